(import "case:failing-callee/work" "perform" (func $perform (param i32) (result i32)))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle)
  (drop (call $perform (call $last (local.get 3) (local.get 4))))
  (call $fine))
