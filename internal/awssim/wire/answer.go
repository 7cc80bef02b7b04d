package wire

import (
	"net/http"
	"reflect"
	"strconv"
	"time"
)

// Answer is what of a struct travels outside of a body, and its payload if one member
// is all of the body.
type Answer struct {
	Status  int // 0: the protocol's own
	Payload []byte
	Struct  any    // a payload that is a struct
	Name    string // its element in XML
	Raw     bool   // Payload is the body
}

// Head writes the headers of an answer and tells how its body is made.
func Head(v any, h http.Header, s Style) Answer {
	var a Answer
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Struct {
		return a
	}
	for _, m := range members(rv.Type(), s) {
		f := rv.FieldByIndex(m.index)
		switch m.place {
		case inStatus:
			a.Status = int(f.Int())
		case inHeader:
			if !absent(f, m.omit) {
				h.Set(m.name, headerText(f, m))
			}
		case inPrefix:
			for _, k := range f.MapKeys() {
				// As S3 writes it: clients take the name of metadata as it comes.
				h[m.name+k.String()] = []string{f.MapIndex(k).String()}
			}
		case inPayload:
			switch {
			case f.Kind() == reflect.String:
				a.Payload, a.Raw = []byte(f.String()), true
			case f.Kind() == reflect.Slice:
				a.Payload, a.Raw = f.Bytes(), true
			default:
				a.Struct, a.Name = f.Interface(), m.name
			}
		}
	}
	return a
}

func headerText(v reflect.Value, m member) string {
	switch x := v.Interface().(type) {
	case time.Time:
		return timeText(x, m.format.or(HTTP))
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	}
	return v.String()
}
