(import "case:call-cycle/a@1.0.0" "call" (func $a (result i32)))
(func (export "case:call-cycle/b@1.0.0#call") (result i32) (call $a))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (drop (call $a)) (call $fine))
