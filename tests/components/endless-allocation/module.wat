;; The host calls the allocator to place the request, before the handler runs.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (loop $for_ever (br $for_ever))
    (unreachable))
  (func (export "datamp:http/handler@1.0.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (unreachable)))
