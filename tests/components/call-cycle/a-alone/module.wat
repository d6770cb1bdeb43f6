(func (export "case:call-cycle/a@1.0.0#call") (result i32) (i32.const 1))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (call $fine))
