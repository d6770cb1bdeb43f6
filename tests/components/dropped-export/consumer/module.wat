(import "case:dropped-export/numbers" "next" (func $next (param i32) (result i32)))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle)
  (if (i32.ne (call $next (i32.const 41)) (i32.const 42)) (then (unreachable)))
  (call $fine))
