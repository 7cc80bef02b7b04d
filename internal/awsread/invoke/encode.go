package invoke

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/internal/change"
)

// Secret is a text of an answer that nobody must see who does not ask for it: it prints
// as "redacted", in JSON as well. string(s) is the secret.
type Secret string

// String is "redacted".
func (Secret) String() string { return "redacted" }

// GoString is "redacted".
func (Secret) GoString() string { return "redacted" }

// MarshalText is "redacted".
func (Secret) MarshalText() ([]byte, error) { return []byte("redacted"), nil }

// encoded are the members that IAM encodes as in URLs (RFC 3986): policies, whose first
// character is a brace otherwise.
var encoded = []string{"AssumeRolePolicyDocument", "Document", "PolicyDocument"}

// encoder makes what JSON would decode of values of the SDK's types.
type encoder struct {
	text string // member at the top whose bytes are text
}

// value encodes a value; false says that there is none.
func (e encoder) value(v reflect.Value, at string) (any, bool, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, false, nil
		}
		return e.value(v.Elem(), at)
	case reflect.Interface:
		if v.IsNil() {
			return nil, false, nil
		}
		return e.choice(v, at)
	}
	switch {
	case v.Type() == timeType:
		return v.Interface().(time.Time).UTC().Format(time.RFC3339Nano), true, nil
	case v.Type() == bytesType:
		return e.bytes(v, at)
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), v.String() != "" || v.Type() == reflect.TypeFor[string](), nil // enumerations are "" where they are not told
	case reflect.Bool:
		return v.Bool(), true, nil
	case reflect.Int32, reflect.Int64:
		return v.Int(), true, nil
	case reflect.Float32, reflect.Float64:
		return number(v.Float(), at)
	case reflect.Struct:
		return e.structure(v, at)
	case reflect.Slice:
		return e.list(v, at)
	case reflect.Map:
		return e.dictionary(v, at)
	}
	return nil, false, fmt.Errorf("%s: type %s is not known", at, v.Type())
}

// number is an int64 where it is whole.
func number(f float64, at string) (any, bool, error) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, false, fmt.Errorf("%s: not a number", at)
	case f == math.Trunc(f) && math.Abs(f) < 1<<53:
		return int64(f), true, nil
	}
	return f, true, nil
}

func (e encoder) bytes(v reflect.Value, at string) (any, bool, error) {
	if v.IsNil() {
		return nil, false, nil
	}
	if e.text == "" || at != e.text {
		return base64.StdEncoding.EncodeToString(v.Bytes()), true, nil
	}
	if !utf8.Valid(v.Bytes()) {
		return nil, false, fmt.Errorf("%s: bytes that are no text", at)
	}
	return string(v.Bytes()), true, nil
}

func (e encoder) structure(v reflect.Value, at string) (any, bool, error) {
	out := map[string]any{}
	for name, i := range members(v.Type()) {
		x, ok, err := e.value(v.Field(i), below(at, name))
		if err != nil {
			return nil, false, err
		}
		text, isText := x.(string)
		switch {
		case !ok:
			continue
		case isText && change.IsSecret(name):
			x = Secret(text)
		case isText && service(v.Type()) == "iam" && slices.Contains(encoded, name) && strings.HasPrefix(text, "%"):
			if x, err = url.PathUnescape(text); err != nil {
				return nil, false, fmt.Errorf("%s: %w", below(at, name), err)
			}
		}
		out[name] = x
	}
	return out, true, nil
}

func (e encoder) list(v reflect.Value, at string) (any, bool, error) {
	if v.IsNil() {
		return nil, false, nil
	}
	out := make([]any, 0, v.Len())
	for i := range v.Len() {
		x, ok, err := e.value(v.Index(i), at)
		if err != nil {
			return nil, false, err
		}
		if ok {
			out = append(out, x)
		}
	}
	return out, true, nil
}

func (e encoder) dictionary(v reflect.Value, at string) (any, bool, error) {
	if v.IsNil() {
		return nil, false, nil
	}
	out := map[string]any{}
	for _, key := range v.MapKeys() {
		x, ok, err := e.value(v.MapIndex(key), below(at, key.String()))
		if err != nil {
			return nil, false, err
		}
		if ok {
			out[key.String()] = x
		}
	}
	return out, true, nil
}

// choice encodes a member of a union as a map with one key. A member that the SDK does
// not know is an error: what it says would be lost.
func (e encoder) choice(v reflect.Value, at string) (any, bool, error) {
	member := v.Elem()
	for member.Kind() == reflect.Pointer && !member.IsNil() {
		member = member.Elem()
	}
	if member.Kind() == reflect.Struct {
		if name := choiceName(v.Type(), member.Type()); name != "" {
			x, ok, err := e.value(member.FieldByName("Value"), below(at, name))
			return map[string]any{name: x}, ok, err
		}
	}
	return nil, false, fmt.Errorf("%s: a kind of content that is not known: %s", at, v.Elem().Type())
}
