(import "acme:ghost/haunt@1.2.0" "boo" (func $boo))
(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (call $boo) (call $fine))
