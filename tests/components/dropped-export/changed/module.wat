(func (export "case:dropped-export/numbers#next") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (call $fine))
