;; …/k answers; anything else never does.
(func (export "datamp:http/handler@1.0.0#handle") (type $handle)
  (if (i32.eq (call $last (local.get 3) (local.get 4)) (i32.const 107)) (then (return (call $fine))))
  (loop $for_ever (br $for_ever))
  (unreachable))
