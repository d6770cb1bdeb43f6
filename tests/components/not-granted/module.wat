(import "datamp:mail/sender@1.0.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (call $fine))
