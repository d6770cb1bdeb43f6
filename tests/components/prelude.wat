;; What every case written in WebAssembly text begins with: the harness puts the fields of a `module.wat` after these.
;;
;; A handler takes the 16 values that a `datamp:http/types.request` is flattened to (the path's address and length are
;; locals 3 and 4) and answers the address of a `response` record.

(type $handle (func
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
  (result i32)))

(memory (export "memory") 2)
;; 0..1024 is the response record and constant texts; all above is handed out by cabi_realloc.
(global $free (mut i32) (i32.const 1024))

(func $allocate (export "cabi_realloc")
  (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
  (result i32)
  (local $at i32)
  ;; at = free rounded up to align
  (local.set $at (i32.and
    (i32.sub (i32.add (global.get $free) (local.get $align)) (i32.const 1))
    (i32.sub (i32.const 0) (local.get $align))))
  (global.set $free (i32.add (local.get $at) (local.get $size)))
  (local.get $at))

;; A response record: status u16, headers (list: address and length), body (list: address and length).
(func $answer
  (param $status i32) (param $headers i32) (param $headers_count i32) (param $body i32) (param $body_size i32)
  (result i32)
  (i32.store16 (i32.const 0) (local.get $status))
  (i32.store (i32.const 4) (local.get $headers))
  (i32.store (i32.const 8) (local.get $headers_count))
  (i32.store (i32.const 12) (local.get $body))
  (i32.store (i32.const 16) (local.get $body_size))
  (i32.const 0))

(data (i32.const 32) "fine")
(func $fine (result i32)
  (call $answer (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 4)))

;; The last byte of the path, by which a case tells what it is asked for.
(func $last (param $path i32) (param $size i32) (result i32)
  (i32.load8_u (i32.sub (i32.add (local.get $path) (local.get $size)) (i32.const 1))))
