package invoke

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// decoder makes values of the SDK's types of what JSON would decode. It is strict: what
// has no place is an error that names it. It goes as deep as the types do.
type decoder struct {
	unions []reflect.Type
}

func wrong(at string, got reflect.Value, want string) error {
	if at == "" {
		at = "parameters"
	}
	if !got.IsValid() {
		return fmt.Errorf("%s: got nothing, want %s", at, want)
	}
	return fmt.Errorf("%s: got %s, want %s", at, kindOf(got), want)
}

// kindOf says what a value is, without saying the value, which may be secret.
func kindOf(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Map:
		return "a map"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return "a number"
	}
	return v.Type().String()
}

func (d decoder) value(to, from reflect.Value, at string) error {
	for from.Kind() == reflect.Interface {
		from = from.Elem()
	}
	switch {
	case !from.IsValid():
		return wrong(at, from, "a value, or the name left out")
	case to.Type() == timeType:
		return instant(to, from, at)
	case to.Type() == bytesType:
		return bytes(to, from, at)
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return d.value(to.Elem(), from, at)
	case reflect.Struct:
		return d.structure(to, from, at)
	case reflect.Slice:
		return d.list(to, from, at)
	case reflect.Map:
		return d.dictionary(to, from, at)
	case reflect.Interface:
		return d.choice(to, from, at)
	}
	return scalar(to, from, at)
}

func scalar(to, from reflect.Value, at string) error {
	switch to.Kind() {
	case reflect.String:
		if from.Kind() != reflect.String {
			return wrong(at, from, "a text")
		}
		to.SetString(from.String())
	case reflect.Bool:
		if from.Kind() != reflect.Bool {
			return wrong(at, from, "true or false")
		}
		to.SetBool(from.Bool())
	case reflect.Int32, reflect.Int64:
		n, ok := whole(from)
		if !ok || to.OverflowInt(n) {
			return wrong(at, from, fmt.Sprintf("a whole number of %d bits", to.Type().Bits()))
		}
		to.SetInt(n)
	case reflect.Float32, reflect.Float64:
		f, ok := real(from)
		if !ok || to.OverflowFloat(f) {
			return wrong(at, from, "a number")
		}
		to.SetFloat(f)
	default:
		return fmt.Errorf("%s: a parameter of type %s cannot be given", at, to.Type())
	}
	return nil
}

// whole is a number without a fraction.
func whole(v reflect.Value) (int64, bool) {
	switch {
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return int64(v.Uint()), v.Uint() <= math.MaxInt64
	case v.CanFloat():
		f := v.Float()
		return int64(f), f == math.Trunc(f) && math.Abs(f) < 1<<53
	}
	return 0, false
}

func real(v reflect.Value) (float64, bool) {
	switch {
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanUint():
		return float64(v.Uint()), true
	case v.CanFloat():
		return v.Float(), !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0)
	}
	return 0, false
}

func instant(to, from reflect.Value, at string) error {
	const want = "a time such as 2026-01-02T15:04:05Z"
	if from.Kind() != reflect.String {
		return wrong(at, from, want)
	}
	t, err := time.Parse(time.RFC3339, from.String())
	if err != nil {
		return wrong(at, from, want)
	}
	to.Set(reflect.ValueOf(t.UTC()))
	return nil
}

func bytes(to, from reflect.Value, at string) error {
	if from.Kind() != reflect.String {
		return wrong(at, from, "bytes in base64")
	}
	b, err := base64.StdEncoding.DecodeString(from.String())
	if err != nil {
		return wrong(at, from, "bytes in base64")
	}
	to.SetBytes(b)
	return nil
}

func (d decoder) list(to, from reflect.Value, at string) error {
	if from.Kind() != reflect.Slice {
		return wrong(at, from, "a list")
	}
	out := reflect.MakeSlice(to.Type(), from.Len(), from.Len())
	for i := range from.Len() {
		if err := d.value(out.Index(i), from.Index(i), fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	to.Set(out)
	return nil
}

// keys are those of a map, sorted, so that of several mistakes the same one is told.
func keys(from reflect.Value, at string) ([]string, error) {
	if from.Kind() != reflect.Map || from.Type().Key().Kind() != reflect.String {
		return nil, wrong(at, from, "a map")
	}
	var out []string
	for _, k := range from.MapKeys() {
		out = append(out, k.String())
	}
	slices.Sort(out)
	return out, nil
}

func item(from reflect.Value, key string) reflect.Value {
	return from.MapIndex(reflect.ValueOf(key).Convert(from.Type().Key()))
}

func (d decoder) dictionary(to, from reflect.Value, at string) error {
	names, err := keys(from, at)
	if err != nil {
		return err
	}
	out := reflect.MakeMapWithSize(to.Type(), len(names))
	for _, name := range names {
		v := reflect.New(to.Type().Elem()).Elem()
		if err := d.value(v, item(from, name), below(at, name)); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(name).Convert(to.Type().Key()), v)
	}
	to.Set(out)
	return nil
}

func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func (d decoder) structure(to, from reflect.Value, at string) error {
	names, err := keys(from, at)
	if err != nil {
		return err
	}
	fields := members(to.Type())
	for _, name := range names {
		i, known := fields[name]
		if !known {
			return unknown(at, name, slices.Sorted(maps.Keys(fields)))
		}
		if err := d.value(to.Field(i), item(from, name), below(at, name)); err != nil {
			return err
		}
	}
	return nil
}

func unknown(at, name string, known []string) error {
	in := ""
	if at != "" {
		in = " in " + at
	}
	if len(known) == 0 {
		return fmt.Errorf("there is no %q%s: it takes nothing", name, in)
	}
	return fmt.Errorf("there is no %q%s: want %s", name, in, strings.Join(known, ", "))
}

// choice makes a member of a union.
func (d decoder) choice(to, from reflect.Value, at string) error {
	names, err := keys(from, at)
	if err != nil {
		return err
	}
	var known []string
	for _, member := range d.unions {
		if !reflect.PointerTo(member).AssignableTo(to.Type()) {
			continue
		}
		name := choiceName(to.Type(), member)
		known = append(known, name)
		if len(names) != 1 || names[0] != name {
			continue
		}
		out := reflect.New(member)
		if err := d.value(out.Elem().FieldByName("Value"), item(from, name), below(at, name)); err != nil {
			return err
		}
		to.Set(out)
		return nil
	}
	slices.Sort(known)
	return fmt.Errorf("%s: want a map with one of %s", at, strings.Join(known, ", "))
}
