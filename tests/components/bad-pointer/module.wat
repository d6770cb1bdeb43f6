;; …/r: the record itself lies outside. …/l: a list of 2^28 headers. …/b: a body that ends outside.
(func (export "datamp:http/handler@1.0.0#handle") (type $handle)
  (local $last i32)
  (local.set $last (call $last (local.get 3) (local.get 4)))
  (if (i32.eq (local.get $last) (i32.const 114)) (then (return (i32.const 0x7ffffffc))))
  (if (i32.eq (local.get $last) (i32.const 108)) (then
    (return (call $answer (i32.const 200) (i32.const 32) (i32.const 0x10000000) (i32.const 32) (i32.const 4)))))
  (if (i32.eq (local.get $last) (i32.const 98)) (then
    (return (call $answer (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 131068) (i32.const 5)))))
  (call $fine))
