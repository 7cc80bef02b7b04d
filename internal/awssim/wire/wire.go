// Package wire turns requests of AWS clients into Go structs and structs into
// answers, in the protocols that AWS speaks: query and its EC2 dialect, JSON 1.0 and
// 1.1, REST-JSON, REST-XML, RPC v2 with CBOR. A struct says once what travels; its
// field names are the names on the wire, and a tag says what differs:
//
//	`aws:"name,option..."`
//
// Options: uri, query, header, prefix (headers that begin with the name), payload,
// status (where it travels; the body if none is given); flat, item=NAME, attr (how XML
// shows it); omit (left out when zero), must (required), secret (never recorded),
// epoch, iso, http (how a time is written).
//
// A parameter that a struct does not have is an error, never ignored: a simulator that
// overlooks a filter would give a wrong answer.
//
// Source: Smithy 2.0, "AWS protocols".
package wire

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"
)

// TimeFormat is how a point in time is written.
type TimeFormat uint8

// Formats of time.
const (
	Default TimeFormat = iota // what the Style says
	Epoch                     // seconds since 1970, with milliseconds
	ISO                       // 2006-01-02T15:04:05Z
	HTTP                      // RFC 9110
)

// Style is how a service writes its structs.
type Style struct {
	Lower bool       // names begin with a lower-case letter
	Time  TimeFormat // Epoch, ISO or HTTP
	Item  string     // name of a list's elements in XML
}

// Encoded is text that is sent percent-encoded (RFC 3986), as IAM does with the
// documents of policies.
type Encoded string

func (e Encoded) escape() string {
	return strings.ReplaceAll(url.QueryEscape(string(e)), "+", "%20")
}

// place is where a member travels.
type place uint8

const (
	inBody place = iota
	inURI
	inQuery
	inHeader
	inPrefix
	inPayload
	inStatus
)

// member is a field of a struct as it travels.
type member struct {
	index                          []int
	name                           string
	item                           string
	place                          place
	format                         TimeFormat
	flat, attr, omit, must, secret bool
}

// cacheKey and cache keep the members of a type in a style.
type cacheKey struct {
	t     reflect.Type
	lower bool
}

// cache is filled on demand and never changed: what it holds follows from the types.
var cache sync.Map // cacheKey -> []member

// members lists the fields of a struct type; embedded structs add theirs.
func members(t reflect.Type, s Style) []member {
	key := cacheKey{t, s.Lower}
	if known, ok := cache.Load(key); ok {
		return known.([]member)
	}
	var out []member
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		out = append(out, newMember(f, s))
	}
	cache.Store(key, out)
	return out
}

func newMember(f reflect.StructField, s Style) member {
	tag := strings.Split(f.Tag.Get("aws"), ",")
	m := member{index: f.Index, name: tag[0]}
	if m.name == "" {
		m.name = f.Name
		if s.Lower {
			m.name = LowerFirst(f.Name)
		}
	}
	for _, option := range tag[1:] {
		m.set(option, f)
	}
	return m
}

func (m *member) set(option string, f reflect.StructField) {
	places := map[string]place{"uri": inURI, "query": inQuery, "header": inHeader, "prefix": inPrefix, "payload": inPayload, "status": inStatus}
	if p, ok := places[option]; ok {
		m.place = p
		return
	}
	switch option {
	case "flat":
		m.flat = true
	case "attr":
		m.attr = true
	case "omit":
		m.omit = true
	case "must":
		m.must = true
	case "secret":
		m.secret = true
	case "epoch":
		m.format = Epoch
	case "iso":
		m.format = ISO
	case "http":
		m.format = HTTP
	default:
		item, ok := strings.CutPrefix(option, "item=")
		if !ok {
			panic(fmt.Sprintf("wire: field %s has the unknown option %q", f.Name, option))
		}
		m.item = item
	}
}

// LowerFirst is the name as CloudTrail and the services in lower case write it: the
// first letter, or the leading capitals of an abbreviation, in lower case.
func LowerFirst(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}

func (f TimeFormat) or(d TimeFormat) TimeFormat {
	if f == Default {
		return d
	}
	return f
}

// timeText writes a time as text.
func timeText(t time.Time, f TimeFormat) string {
	switch {
	case f == HTTP:
		return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	case t.Nanosecond() != 0:
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// parseTime reads a time in any of the formats that clients send.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "Mon, 02 Jan 2006 15:04:05 GMT", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", s)
}
