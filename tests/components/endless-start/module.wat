(func $start (loop $for_ever (br $for_ever)))
(start $start)
(func (export "datamp:http/handler@1.0.0#handle") (type $handle) (call $fine))
