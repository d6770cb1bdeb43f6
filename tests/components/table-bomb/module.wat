;; …/4 takes 4,000 elements (32,000 bytes beside 128 KiB of memory), which is allowed. Anything else takes 1,000 at a time until it is
;; refused, and gives up.
(table $elements 1 funcref)
(func $take (param $count i32) (result i32) (table.grow $elements (ref.null func) (local.get $count)))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle)
  (if (i32.eq (call $last (local.get 3) (local.get 4)) (i32.const 52)) (then
    (if (i32.eq (call $take (i32.const 4000)) (i32.const -1)) (then (unreachable)))
    (return (call $fine))))
  (loop $more (br_if $more (i32.ne (call $take (i32.const 1000)) (i32.const -1))))
  (unreachable))
