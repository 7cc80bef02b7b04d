package invoke

import (
	"fmt"
	"reflect"
	"slices"
)

// Members are the parameters of an operation, or the members of its answer, by their
// paths, with what each is: a text, a number and so on. Elements of lists have the name
// [], values of maps *. It is for tests, which compare it with models of the services.
func (o Operation) Members(answer bool) map[string]string {
	out := map[string]string{}
	if answer {
		walk(out, o.output, "", nil, nil)
	} else {
		walk(out, o.input, "", o.unions, nil)
	}
	delete(out, "")
	return out
}

// walk goes down a type. It stops where a type has itself as a member.
func walk(out map[string]string, t reflect.Type, at string, unions, over []reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if slices.Contains(over, t) {
		return
	}
	over = append(slices.Clip(over), t)
	switch {
	case t == timeType:
		out[at] = "time"
		return
	case t == bytesType:
		out[at] = "bytes"
		return
	}
	switch t.Kind() {
	case reflect.String:
		out[at] = "text"
	case reflect.Bool:
		out[at] = "flag"
	case reflect.Int32, reflect.Int64:
		out[at] = "whole"
	case reflect.Float32, reflect.Float64:
		out[at] = "number"
	case reflect.Slice:
		out[at] = "list"
		walk(out, t.Elem(), below(at, "[]"), unions, over)
	case reflect.Map:
		out[at] = "map"
		walk(out, t.Elem(), below(at, "*"), unions, over)
	case reflect.Struct:
		out[at] = "structure"
		for name, i := range members(t) {
			walk(out, t.Field(i).Type, below(at, name), unions, over)
		}
	case reflect.Interface:
		out[at] = "choice"
		for _, member := range unions {
			if reflect.PointerTo(member).AssignableTo(t) {
				field, _ := member.FieldByName("Value")
				walk(out, field.Type, below(at, choiceName(t, member)), unions, over)
			}
		}
	default:
		out[at] = fmt.Sprintf("unknown %s", t)
	}
}
