;; The last byte of the path says what is wrong with the answer: …/1 to …/6; …/k is right.
(data (i32.const 64) "a\nb")         ;; a value, or a name, with a line break
(data (i32.const 68) "a b")          ;; a name with a space
(data (i32.const 72) "x-name")
(data (i32.const 80) "transfer-encoding")
(data (i32.const 100) "chunked")
(data (i32.const 108) "content-length")
(data (i32.const 124) "9999")

;; One header at 200: the address and length of its name, then of its value.
(func $with_header (param $name i32) (param $name_size i32) (param $value i32) (param $value_size i32) (result i32)
  (i32.store (i32.const 200) (local.get $name))
  (i32.store (i32.const 204) (local.get $name_size))
  (i32.store (i32.const 208) (local.get $value))
  (i32.store (i32.const 212) (local.get $value_size))
  (call $answer (i32.const 200) (i32.const 200) (i32.const 1) (i32.const 32) (i32.const 4)))

(func $with_status (param $status i32) (result i32)
  (call $answer (local.get $status) (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 4)))

(func (export "datamp:http/handler@1.0.0#handle") (type $handle)
  (local $last i32)
  (local.set $last (call $last (local.get 3) (local.get 4)))
  (if (i32.eq (local.get $last) (i32.const 49)) (then (return (call $with_status (i32.const 99)))))
  (if (i32.eq (local.get $last) (i32.const 50)) (then (return (call $with_status (i32.const 600)))))
  (if (i32.eq (local.get $last) (i32.const 51)) (then (return (call $with_status (i32.const 101)))))
  (if (i32.eq (local.get $last) (i32.const 52)) (then
    (return (call $with_header (i32.const 68) (i32.const 3) (i32.const 72) (i32.const 6)))))
  (if (i32.eq (local.get $last) (i32.const 53)) (then
    (return (call $with_header (i32.const 72) (i32.const 6) (i32.const 64) (i32.const 3)))))
  (if (i32.eq (local.get $last) (i32.const 54)) (then
    (return (call $with_header (i32.const 72) (i32.const 0) (i32.const 72) (i32.const 6)))))
  (if (i32.eq (local.get $last) (i32.const 55)) (then
    (return (call $with_header (i32.const 80) (i32.const 17) (i32.const 100) (i32.const 7)))))
  (if (i32.eq (local.get $last) (i32.const 56)) (then
    (return (call $with_header (i32.const 108) (i32.const 14) (i32.const 124) (i32.const 4)))))
  (call $fine))
