;; …/k answers; anything else calls itself without end.
(func $deeper (param i64) (result i64)
  (i64.add (call $deeper (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle)
  (if (i32.eq (call $last (local.get 3) (local.get 4)) (i32.const 107)) (then (return (call $fine))))
  (drop (call $deeper (i64.const 0)))
  (call $fine))
