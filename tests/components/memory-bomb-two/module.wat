;; …/1 takes 5 MiB in the first memory, …/2 in the second: either is within the limit. …/b takes 5 MiB in both, which is not.
(memory $second 1)
(func $take_first
  (if (i32.eq (memory.grow 0 (i32.const 80)) (i32.const -1)) (then (unreachable))))
(func $take_second
  (if (i32.eq (memory.grow $second (i32.const 80)) (i32.const -1)) (then (unreachable))))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle)
  (local $last i32)
  (local.set $last (call $last (local.get 3) (local.get 4)))
  (if (i32.ne (local.get $last) (i32.const 50)) (then (call $take_first)))
  (if (i32.ne (local.get $last) (i32.const 49)) (then (call $take_second)))
  (call $fine))
