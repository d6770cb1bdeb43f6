(import "datamp:http/client@2.0.0" "fetch" (func $fetch))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (call $fetch) (call $fine))
