;; …/k answers. …/4 takes 4 MiB, which is allowed, and answers. Anything else takes 1 MiB at a time until it is refused, and gives up.
(func (export "datamp:http/handler@1.0.0#handle") (type $handle)
  (local $last i32)
  (local.set $last (call $last (local.get 3) (local.get 4)))
  (if (i32.eq (local.get $last) (i32.const 107)) (then (return (call $fine))))
  (if (i32.eq (local.get $last) (i32.const 52)) (then
    (if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then (unreachable)))
    (return (call $fine))))
  (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
  (unreachable))
