package cloud

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/route"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Protocol is how a service is spoken to.
type Protocol uint8

// Protocols (Smithy 2.0, "AWS protocols").
const (
	Query Protocol = iota
	EC2Query
	JSON
	RESTJSON
	RESTXML
	CBOR
)

// Service is one AWS service: its names, its protocol and its operations.
type Service struct {
	Name     string   // in the credential scope of signatures
	Aliases  []string // other names there
	Prefix   string   // of IAM actions; Name if empty
	Source   string   // eventSource without .amazonaws.com; Name if empty
	Protocol Protocol
	// Also are further protocols, told apart by the request.
	Also    []Protocol
	Version string // of the API, for the namespace of XML
	Target  string // of X-Amz-Target in JSON, or the service name of RPC v2
	JSON    string // version of JSON: 1.0 or 1.1
	Lower   bool   // names of members begin with a lower-case letter
	Time    wire.TimeFormat
	Global  bool // its events are in us-east-1, whatever Region signed
	Codes   Codes
	// Delayed: its changes are seen at once and in force after Config.Propagation.
	Delayed bool

	Operations []*Operation
	byName     map[string]*Operation
}

// Codes are the error codes of a service where they are not the protocol's own.
type Codes struct{ Denied, Throttled, Invalid, Token string }

// Operation is one operation of a service.
type Operation struct {
	Name string
	// Action is the IAM permission, service prefix included; "" is prefix:Name.
	Action string
	Read   bool // changes nothing
	Data   bool // CloudTrail takes it for a data event
	Open   bool // authorized by the function itself, which knows the resource
	Bare   bool // about "*"
	Answer bool // a read whose answer CloudTrail records all the same
	Nested bool // its XML errors stand inside ErrorResponse
	Route  string
	Event  string // name in CloudTrail where it is not Name

	route  route.Route
	handle func(c *Call, decode func(any) error) (any, error)
}

// Mark says something about an operation.
type Mark func(*Operation)

// At gives the route of an operation of a REST service, such as "GET /detector/{id}".
func At(route string) Mark { return func(o *Operation) { o.Route = route } }

// As gives the permission where it is not called like the operation.
func As(action string) Mark { return func(o *Operation) { o.Action = action } }

// Called gives the name that CloudTrail has for the operation.
func Called(event string) Mark { return func(o *Operation) { o.Event = event } }

// Open marks an operation that authorizes itself.
func Open(o *Operation) { o.Open = true }

// Data marks a data event.
func Data(o *Operation) { o.Data = true }

// Reads marks an operation that changes nothing although its name does not say so.
func Reads(o *Operation) { o.Read, o.Answer = true, true }

// Located is an input that knows the resource it is about. Inputs without it are
// about "*".
type Located interface{ On(*Call) Resource }

// Several is an input about several resources, on each of which the caller has to be
// authorized.
type Several interface{ OnEach(*Call) []Resource }

// resources are what an input is about.
func resources(c *Call, in any) []Resource {
	switch l := in.(type) {
	case Located:
		return []Resource{l.On(c)}
	case Several:
		if list := l.OnEach(c); len(list) > 0 {
			return list
		}
	}
	return []Resource{{ARN: "*"}}
}

// Op registers a function as an operation.
func Op[In, Out any](name string, do func(*Call, In) (Out, error), marks ...Mark) *Operation {
	o := &Operation{Name: name}
	for _, verb := range []string{"Get", "List", "Describe", "Lookup", "Head", "Simulate", "Receive", "GenerateCredentialReport"} {
		o.Read = o.Read || strings.HasPrefix(name, verb)
	}
	_, located := any(new(In)).(Located)
	_, several := any(new(In)).(Several)
	o.Bare = !located && !several
	o.handle = func(c *Call, decode func(any) error) (any, error) {
		var in In
		if err := decode(&in); err != nil {
			return nil, err
		}
		c.input = in
		if !o.Open {
			for _, resource := range resources(c, &in) {
				if err := c.Authorize(c.action(), resource); err != nil {
					return nil, err
				}
			}
		}
		c.changing()
		return do(c, in)
	}
	for _, m := range marks {
		m(o)
	}
	return o
}

// None is the input or output of an operation that has none.
type None struct{}

func (s *Service) index() error {
	if s.Prefix == "" {
		s.Prefix = s.Name
	}
	if s.Source == "" {
		s.Source = s.Name
	}
	s.byName = map[string]*Operation{}
	for _, o := range s.Operations {
		if s.byName[o.Name] != nil {
			return fmt.Errorf("cloud: %s has %s twice", s.Name, o.Name)
		}
		if o.Action == "" {
			o.Action = s.Prefix + ":" + o.Name
		}
		if o.Event == "" {
			o.Event = o.Name
		}
		s.byName[o.Name] = o
		if s.rest() {
			var err error
			if o.route, err = route.Parse(o.Route); err != nil {
				return fmt.Errorf("cloud: %s %s: %w", s.Name, o.Name, err)
			}
		}
	}
	return nil
}

func (s *Service) rest() bool { return s.Protocol == RESTJSON || s.Protocol == RESTXML }

// style is how requests are read, or answers written.
func (s *Service) style(p Protocol, answer bool) wire.Style {
	switch p {
	case Query, RESTXML:
		return wire.Style{Time: wire.ISO, Item: "member"}
	case EC2Query:
		return wire.Style{Time: wire.ISO, Item: "item", Lower: answer}
	}
	f := s.Time
	if f == wire.Default {
		f = wire.Epoch
	}
	return wire.Style{Lower: s.Lower, Time: f, Item: "member"}
}

// find picks the operation of a REST request: of those that match, the one that asks
// for most.
func (s *Service) find(method, path string, query url.Values) (*Operation, map[string]string) {
	var best *Operation
	var labels map[string]string
	for _, o := range s.Operations {
		if l, ok := o.route.Match(method, path, query); ok {
			if best == nil || o.route.Weight() > best.route.Weight() {
				best, labels = o, l
			}
		}
	}
	return best, labels
}
