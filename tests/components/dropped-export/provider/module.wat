(func (export "case:dropped-export/numbers#next") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (call $fine))
