package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is what a struct is filled from.
type Request struct {
	Tree   any // of the body, from one of the Parse functions
	Text   bool
	Body   []byte            // for a payload that is bytes or text
	URI    map[string]string // labels of the path
	Query  url.Values
	Header http.Header
	// Whole says that the tree holds all members, also those that travel elsewhere.
	Whole bool
}

// Unmarshal fills the struct that dst points to. The error names the parameter that is
// missing, unknown, or of the wrong form. With Text the leaves of the tree are text
// (query and XML), else they have a type.
func Unmarshal(r Request, dst any, s Style) error {
	d := decoder{s, r.Text, r.Whole}
	v := reflect.ValueOf(dst).Elem()
	known := members(v.Type(), s)
	payload := false
	for _, m := range known {
		if r.Whole {
			break
		}
		payload = payload || m.place == inPayload
		if err := d.bind(r, v.FieldByIndex(m.index), m); err != nil {
			return err
		}
	}
	if !payload {
		if err := d.object(v, r.Tree, ""); err != nil {
			return err
		}
	}
	for _, m := range known {
		if m.must && v.FieldByIndex(m.index).IsZero() {
			return fmt.Errorf("missing required parameter %s", m.name)
		}
	}
	if err := unknownHeader(r.Header, known); err != nil {
		return err
	}
	return unknownQuery(r.Query, known)
}

// unknownHeader names a header of AWS's that would change what the call does and that
// no member takes. Signing and checksums are dealt with before.
func unknownHeader(h http.Header, known []member) error {
	for name := range h {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") || strings.HasPrefix(lower, "x-amz-checksum-") || slices.Contains(plumbing, lower) {
			continue
		}
		if !slices.ContainsFunc(known, func(m member) bool {
			return m.place == inHeader && strings.EqualFold(m.name, name) || m.place == inPrefix && strings.HasPrefix(lower, m.name)
		}) {
			return fmt.Errorf("unknown header %s", lower)
		}
	}
	return nil
}

// plumbing are headers of signing and transport.
var plumbing = []string{
	"x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-sdk-checksum-algorithm", "x-amz-decoded-content-length", "x-amz-trailer",
	"x-amz-user-agent", "x-amz-target", "x-amz-expected-bucket-owner",
}

// unknownQuery names a query parameter that no member takes. x-id repeats the name of
// the operation and says nothing.
func unknownQuery(query url.Values, known []member) error {
	for name := range query {
		if name != "x-id" && !slices.ContainsFunc(known, func(m member) bool { return m.place == inQuery && m.name == name }) {
			return fmt.Errorf("unknown parameter %s", name)
		}
	}
	return nil
}

type decoder struct {
	style Style
	text  bool
	whole bool
}

// takes says whether a member is read from the tree.
func (d decoder) takes(m member) bool { return m.place == inBody || d.whole }

// bind fills a member that does not travel in the body.
func (d decoder) bind(r Request, v reflect.Value, m member) error {
	words := decoder{d.style, true, false}
	switch m.place {
	case inURI:
		return words.value(v, r.URI[m.name], m, m.name)
	case inQuery:
		values := r.Query[m.name]
		if len(values) == 0 {
			return nil
		}
		if v.Kind() == reflect.Slice {
			return words.list(v, toAny(values), m, m.name)
		}
		return words.value(v, values[0], m, m.name)
	case inHeader:
		if h := r.Header.Get(m.name); h != "" {
			return words.value(v, h, m, m.name)
		}
	case inPrefix:
		return bindPrefix(r.Header, v, m)
	case inPayload:
		switch {
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
			v.SetBytes(r.Body)
		case v.Kind() == reflect.String:
			v.SetString(string(r.Body))
		default:
			return d.value(v, r.Tree, m, m.name)
		}
	}
	return nil
}

func bindPrefix(h http.Header, v reflect.Value, m member) error {
	out := map[string]string{}
	for name := range h {
		if rest, ok := strings.CutPrefix(strings.ToLower(name), m.name); ok {
			out[rest] = h.Get(name)
		}
	}
	if len(out) > 0 {
		v.Set(reflect.ValueOf(out))
	}
	return nil
}

func toAny(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

func (d decoder) object(v reflect.Value, tree any, path string) error {
	if s, ok := tree.(string); ok && d.text && strings.TrimSpace(s) == "" || tree == nil {
		return nil
	}
	fields, ok := tree.(map[string]any)
	if !ok {
		return fmt.Errorf("parameter %s: want an object", path)
	}
	known := members(v.Type(), d.style)
	used := 0
	for _, m := range known {
		if value, ok := fields[m.name]; ok && d.takes(m) {
			used++
			if err := d.value(v.FieldByIndex(m.index), value, m, path+"."+m.name); err != nil {
				return err
			}
		}
	}
	if used == len(fields) {
		return nil
	}
	for name := range fields {
		if !slices.ContainsFunc(known, func(m member) bool { return d.takes(m) && m.name == name }) {
			return fmt.Errorf("unknown parameter %s", strings.TrimPrefix(path+"."+name, "."))
		}
	}
	return nil
}

func (d decoder) value(v reflect.Value, tree any, m member, path string) error {
	if tree == nil {
		return nil
	}
	if v.Type() == timeType {
		return d.time(v, tree, path)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(v.Elem(), tree, m, path)
	case reflect.Interface:
		v.Set(reflect.ValueOf(plain(tree)))
		return nil
	case reflect.Struct:
		return d.object(v, tree, path)
	case reflect.Map:
		return d.table(v, tree, m, path)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return d.bytes(v, tree, path)
		}
		return d.list(v, tree, m, path)
	case reflect.String:
		if s, ok := tree.(string); ok {
			v.SetString(s)
			return nil
		}
		return fmt.Errorf("parameter %s: want text", path)
	case reflect.Bool:
		return d.bool(v, tree, path)
	}
	return d.number(v, tree, path)
}

func (d decoder) bool(v reflect.Value, tree any, path string) error {
	b, ok := tree.(bool)
	if s, isText := tree.(string); isText && d.text {
		b, ok = s == "true" || s == "TRUE" || s == "True", true
	}
	if !ok {
		return fmt.Errorf("parameter %s: want true or false", path)
	}
	v.SetBool(b)
	return nil
}

func (d decoder) number(v reflect.Value, tree any, path string) error {
	var f float64
	err := fmt.Errorf("want a number")
	switch n := tree.(type) {
	case json.Number:
		f, err = n.Float64()
	case int64:
		f, err = float64(n), nil
	case float64:
		f, err = n, nil
	case string:
		if d.text {
			f, err = strconv.ParseFloat(n, 64)
		}
	}
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		err = fmt.Errorf("%v is no number", f)
	}
	if err == nil && (v.Kind() != reflect.Float64 && (f != math.Trunc(f) || math.Abs(f) > 1<<53)) {
		err = fmt.Errorf("%v is no whole number", f)
	}
	if err != nil {
		return fmt.Errorf("parameter %s: %w", path, err)
	}
	if v.Kind() == reflect.Float64 {
		v.SetFloat(f)
		return nil
	}
	v.SetInt(int64(f))
	return nil
}

func (d decoder) bytes(v reflect.Value, tree any, path string) error {
	switch b := tree.(type) {
	case []byte:
		v.SetBytes(b)
		return nil
	case string:
		raw, err := base64.StdEncoding.DecodeString(b)
		if err == nil {
			v.SetBytes(raw)
			return nil
		}
	}
	return fmt.Errorf("parameter %s: want base64", path)
}

func (d decoder) time(v reflect.Value, tree any, path string) error {
	var t time.Time
	err := fmt.Errorf("want a time")
	switch n := tree.(type) {
	case time.Time:
		t, err = n, nil
	case string:
		t, err = parseTime(n)
	case json.Number:
		var f float64
		if f, err = n.Float64(); err == nil && math.Abs(f) > 1e11 {
			err = fmt.Errorf("%s is no time", n)
		}
		t = time.UnixMilli(int64(math.Round(f * 1000))).UTC()
	}
	if err != nil {
		return fmt.Errorf("parameter %s: %w", path, err)
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

func (d decoder) list(v reflect.Value, tree any, m member, path string) error {
	elements := d.elements(tree, m)
	out := reflect.MakeSlice(v.Type(), len(elements), len(elements))
	for i, e := range elements {
		if err := d.value(out.Index(i), e, member{}, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

// elements finds the members of a list: JSON has them as such, a form under numbers
// (below "member" unless the list is flat), XML as elements of one name.
func (d decoder) elements(tree any, m member) []any {
	switch t := tree.(type) {
	case []any:
		return t
	case repeated:
		return t
	case string:
		if d.text && strings.TrimSpace(t) == "" {
			return nil
		}
	case map[string]any:
		if !d.text {
			break
		}
		for _, item := range []string{m.item, d.style.Item, "member"} {
			if inner, ok := t[item]; ok && len(t) == 1 && !m.flat {
				return d.elements(inner, member{flat: true})
			}
		}
		if numbered, ok := byNumber(t); ok {
			return numbered
		}
	}
	return []any{tree}
}

func byNumber(t map[string]any) ([]any, bool) {
	numbers := make([]int, 0, len(t))
	for k := range t {
		n, err := strconv.Atoi(k)
		if err != nil {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	out := make([]any, 0, len(t))
	for _, n := range numbers {
		v, ok := t[strconv.Itoa(n)]
		if !ok {
			return nil, false // 01 beside 1
		}
		out = append(out, v)
	}
	return out, true
}

// table fills a map: an object in JSON, entries with key and value elsewhere.
func (d decoder) table(v reflect.Value, tree any, m member, path string) error {
	fields, ok := tree.(map[string]any)
	if !ok {
		return fmt.Errorf("parameter %s: want an object", path)
	}
	out := reflect.MakeMapWithSize(v.Type(), len(fields))
	add := func(key string, value any) error {
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(e, value, member{}, path+"."+key); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), e)
		return nil
	}
	if !d.text {
		for k, value := range fields {
			if err := add(k, value); err != nil {
				return err
			}
		}
		v.Set(out)
		return nil
	}
	for _, e := range d.elements(tree, member{item: "entry"}) {
		pair, _ := e.(map[string]any)
		key, ok := pair["key"].(string)
		value := pair["value"]
		if name, named := pair["Name"].(string); named && !ok { // as SNS writes the attributes of a message
			key, ok, value = name, true, pair["Value"]
		}
		if !ok {
			return fmt.Errorf("parameter %s: an entry has no key", path)
		}
		if err := add(key, value); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

// plain turns what a parser made into what json.Unmarshal would.
func plain(tree any) any {
	switch t := tree.(type) {
	case json.Number:
		if n, err := t.Int64(); err == nil {
			return n
		}
		f, _ := t.Float64()
		return f
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = plain(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, e := range t {
			out[k] = plain(e)
		}
		return out
	}
	return tree
}
