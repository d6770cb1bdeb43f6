(@custom "datamp:manifest" "name = \"two-manifests\"\nversion = \"0.1.0\"\nroutes = [\"/hello\"]")
(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (call $fine))
