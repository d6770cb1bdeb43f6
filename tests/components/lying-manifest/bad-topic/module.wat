(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (call $fine))
