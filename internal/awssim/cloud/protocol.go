package cloud

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/sigv4"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// located is a request whose operation is found.
type located struct {
	decode func(any) error
}

// protocolOf tells which of its protocols a request to the service speaks.
func (s *Service) protocolOf(r *http.Request) Protocol {
	if len(s.Also) == 0 {
		return s.Protocol
	}
	spoken := Query
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		spoken = CBOR
	case r.Header.Get("X-Amz-Target") != "":
		spoken = JSON
	}
	if slices.Contains(s.Also, spoken) {
		return spoken
	}
	return s.Protocol
}

// find picks the operation and prepares how its input is read.
func (c *Call) find(r *http.Request, body []byte) (located, error) {
	switch c.protocol {
	case Query, EC2Query:
		return c.findQuery(r, body)
	case RESTJSON, RESTXML:
		return c.findREST(r, body)
	case CBOR:
		service, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/service/"), "/operation/")
		if !ok || service != c.Service.Target {
			name = ""
		}
		return c.located(name, wire.ParseCBOR, body)
	}
	// Python's client writes CloudTrail's target with a namespace before it, Go's without.
	target, header := c.Service.Target, r.Header.Get("X-Amz-Target")
	name, ok := strings.CutPrefix(header, target+".")
	if !ok {
		name, ok = strings.CutPrefix(header, target[strings.LastIndexByte(target, '.')+1:]+".")
	}
	if !ok {
		name = ""
	}
	return c.located(name, wire.ParseJSON, body)
}

// located is the input of an operation that is called by its name.
func (c *Call) located(name string, parse func([]byte) (any, error), body []byte) (located, error) {
	if c.Operation = c.Service.byName[name]; c.Operation == nil {
		return located{}, Fail("UnknownOperationException", 400, "The simulator has no operation %s of %s", name, c.Service.Name)
	}
	return located{func(in any) error {
		tree, err := parse(body)
		if err != nil {
			return Fail("SerializationException", 400, "%v", err)
		}
		return wire.Unmarshal(wire.Request{Tree: tree}, in, c.Service.style(c.protocol, false))
	}}, nil
}

func (c *Call) findQuery(r *http.Request, body []byte) (located, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return located{}, Fail("MalformedQueryString", 400, "The query string is malformed: %v", err)
	}
	for k, v := range r.URL.Query() {
		if !strings.HasPrefix(k, "X-Amz-") {
			form[k] = v
		}
	}
	name := form.Get("Action")
	form.Del("Action")
	form.Del("Version")
	if c.Operation = c.Service.byName[name]; c.Operation == nil {
		return located{}, Fail("InvalidAction", 400, "Could not find operation %s for version %s", name, c.Service.Version)
	}
	return located{func(in any) error {
		tree, err := wire.ParseForm(form)
		if err != nil {
			return err
		}
		return wire.Unmarshal(wire.Request{Tree: tree, Text: true}, in, c.Service.style(c.protocol, false))
	}}, nil
}

func (c *Call) findREST(r *http.Request, body []byte) (located, error) {
	query := r.URL.Query()
	for name := range query {
		if strings.HasPrefix(name, "X-Amz-") {
			query.Del(name) // of a presigned URL
		}
	}
	o, labels := c.Service.find(r.Method, r.URL.EscapedPath(), query)
	if c.Operation = o; o == nil {
		return located{}, Fail("UnknownOperationException", 404, "The simulator has no operation of %s at %s %s", c.Service.Name, r.Method, r.URL.Path)
	}
	return located{func(in any) error {
		req := wire.Request{Body: body, URI: labels, Query: o.route.Marked(query), Header: r.Header, Text: c.protocol == RESTXML}
		err := sigv4.Checksums(r.Header, body)
		if err != nil {
			return Fail("BadDigest", 400, "%v", err)
		}
		switch {
		case o.Data && r.Method == http.MethodPut: // the body is an object's content
		case c.protocol == RESTXML:
			req.Tree, err = wire.ParseXML(body)
		default:
			req.Tree, err = wire.ParseJSON(body)
		}
		if err != nil && !rawBody(body) {
			return Fail(c.code().Invalid, 400, "%v", err)
		}
		return wire.Unmarshal(req, in, c.Service.style(c.protocol, false))
	}}, nil
}

// rawBody says whether a body is JSON in a service that speaks XML: a bucket's policy.
func rawBody(body []byte) bool {
	return strings.HasPrefix(strings.TrimSpace(string(body)), "{")
}

// succeeded writes the answer of an operation.
func (c *Call) succeeded(out any) answer {
	a := answer{status: 200, header: http.Header{}}
	style := c.Service.style(c.protocol, true)
	head := wire.Head(out, a.header, style)
	if head.Status != 0 {
		a.status = head.Status
	}
	namespace := `xmlns="` + c.namespace() + `"`
	switch c.protocol {
	case Query:
		name := c.Operation.Name
		a.body = joined([]byte("<"+name+"Response "+namespace+"><"+name+"Result>"), wire.Marshal(out, style).XML("member"),
			[]byte("</"+name+"Result><ResponseMetadata><RequestId>"+c.RequestID+"</RequestId></ResponseMetadata></"+name+"Response>"))
	case EC2Query:
		name := c.Operation.Name
		a.body = joined([]byte("<"+name+"Response "+namespace+"><requestId>"+c.RequestID+"</requestId>"), wire.Marshal(out, style).XML("item"), []byte("</"+name+"Response>"))
	case CBOR:
		a.body = wire.Marshal(out, style).CBOR()
	case RESTXML:
		a.body = c.xmlBody(out, head, style, namespace)
	default:
		a.body = head.Payload
		if !head.Raw {
			a.body = wire.Marshal(out, style).JSON()
		}
	}
	c.common(&a)
	return a
}

// xmlBody is the body of an answer of S3: a payload as it is, or the elements in one
// that is named after the struct.
func (c *Call) xmlBody(out any, head wire.Answer, style wire.Style, namespace string) []byte {
	switch {
	case head.Raw:
		return head.Payload
	case head.Struct != nil:
		return joined([]byte("<"+head.Name+" "+namespace+">"), wire.Marshal(head.Struct, style).XML("member"), []byte("</"+head.Name+">"))
	}
	n := wire.Marshal(out, style)
	if n.Empty() {
		return nil
	}
	name := c.Operation.Name + "Result"
	return joined([]byte("<"+name+" "+namespace+">"), n.XML("member"), []byte("</"+name+">"))
}

func (c *Call) namespace() string {
	host := c.Service.Name
	switch c.Service.Name {
	case "ec2", "s3":
		return "http://" + host + ".amazonaws.com/doc/" + c.Service.Version + "/"
	}
	return "https://" + host + ".amazonaws.com/doc/" + c.Service.Version + "/"
}

// common sets the headers that every answer has.
func (c *Call) common(a *answer) {
	a.header.Set("X-Amzn-Requestid", c.RequestID)
	kind := "text/xml"
	switch c.protocol {
	case JSON:
		version := "1.1"
		if c.Service != nil && c.Service.JSON != "" {
			version = c.Service.JSON
		}
		kind = "application/x-amz-json-" + version
	case RESTJSON:
		kind = "application/json"
	case CBOR:
		kind = "application/cbor"
		a.header.Set("Smithy-Protocol", "rpc-v2-cbor")
	case RESTXML:
		kind = "application/xml"
		a.header.Set("X-Amz-Request-Id", c.RequestID)
	}
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", kind)
	}
}

// failed writes the answer that says what went wrong.
func (c *Call) failed(err error) answer {
	e, ok := err.(*Error)
	if !ok {
		e = Fail("InternalFailure", 500, "%v", err)
	}
	a := answer{status: e.Status, header: http.Header{}}
	type fault struct{ Code, Message string }
	xml := wire.Marshal(fault{e.Code, e.Message}, wire.Style{Time: wire.ISO}).XML("member")
	if e.Status < 500 && (c.protocol == JSON || c.protocol == CBOR) {
		a.status = 400 // these protocols have no other
	}
	side := "Sender"
	if e.Status >= 500 {
		side = "Receiver"
	}
	switch {
	case c.protocol == Query || c.Operation != nil && c.Operation.Nested:
		a.body = joined([]byte("<ErrorResponse><Error><Type>"+side+"</Type>"), xml, []byte("</Error><RequestId>"+c.RequestID+"</RequestId></ErrorResponse>"))
	case c.protocol == EC2Query:
		a.body = joined([]byte("<Response><Errors><Error>"), xml, []byte("</Error></Errors><RequestID>"+c.RequestID+"</RequestID></Response>"))
	case c.protocol == RESTXML:
		a.body = joined([]byte("<Error>"), xml, []byte("<RequestId>"+c.RequestID+"</RequestId></Error>"))
	default:
		n := wire.Marshal(jsonError{e.Code, e.Message}, wire.Style{Time: wire.ISO})
		a.header.Set("X-Amzn-Errortype", e.Code)
		if e.Legacy != "" {
			a.header.Set("X-Amzn-Query-Error", e.Legacy+";"+side)
		}
		if a.body = n.JSON(); c.protocol == CBOR {
			a.body = n.CBOR()
		}
	}
	c.common(&a)
	return a
}

type jsonError struct {
	Type    string `aws:"__type"`
	Message string `aws:"message"`
}

// joined is one body of its parts.
func joined(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
