package metadata

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

//go:embed table.bin
var file []byte

const format = "rootkeep-iam-metadata 1 "

type header struct {
	version, date string
	rest          []byte
}

func readHeader() header {
	line, rest, _ := bytes.Cut(file, []byte("\n"))
	version, date, _ := strings.Cut(strings.TrimPrefix(string(line), format), " ")
	return header{version, date, rest}
}

// open decodes all but the bodies of the services. A broken table cannot be met
// outside a test: the file is part of the binary.
var open = sync.OnceValue(func() *table {
	t, err := decode(file)
	if err != nil {
		panic("metadata: " + err.Error())
	}
	return t
})

type table struct {
	texts       []string
	lists       [][]string
	prefixes    []string
	services    map[string]*service
	globals     []ConditionKey
	rcp         []string
	keys        map[string]ConditionKey // by name in lower case
	keyPatterns []keyPattern
	keyPrefixes map[string]bool
}

// keyPattern is a key with a placeholder, split around it, in lower case.
type keyPattern struct {
	before, after string
	key           ConditionKey
}

type service struct {
	prefix, name string
	keys         []ConditionKey
	body         func() *body
}

type body struct {
	types   []ResourceType
	actions []Action
	byName  map[string]*Action
}

func decode(file []byte) (*table, error) {
	if !bytes.HasPrefix(file, []byte(format)) {
		return nil, fmt.Errorf("table starts with %.30q, want %q", file, format)
	}
	_, deflated, _ := bytes.Cut(file, []byte("\n"))
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	if err != nil {
		return nil, err
	}
	d := decoder{raw: raw}
	t := &table{services: map[string]*service{}, keys: map[string]ConditionKey{}, keyPrefixes: map[string]bool{}}
	t.texts = d.strings()
	d.texts = t.texts
	t.lists = d.listTable()
	d.lists = t.lists
	for range d.count() {
		s := d.service()
		t.prefixes = append(t.prefixes, s.prefix)
		t.services[s.prefix] = s
	}
	for range d.count() {
		k := ConditionKey{Name: d.text(), Type: KeyType(d.code(int(IPAddress)))}
		k.Category = Category(d.code(int(OfRequest)-1) + 1)
		t.globals = append(t.globals, k)
	}
	t.rcp = d.list()
	if d.bad || len(d.raw) > 0 {
		return nil, errors.New("table is cut or has more than it should")
	}
	t.index()
	return t, nil
}

// index makes keys findable by name. A global key wins over the same name in a
// service, which carries no category.
func (t *table) index() {
	for _, k := range t.globals {
		t.add(k)
	}
	for _, p := range t.prefixes {
		for _, k := range t.services[p].keys {
			t.add(k)
		}
	}
}

func (t *table) add(k ConditionKey) {
	lower := strings.ToLower(k.Name)
	if _, ok := t.keys[lower]; ok {
		return
	}
	t.keys[lower] = k
	if prefix, _, ok := strings.Cut(lower, ":"); ok {
		t.keyPrefixes[prefix] = true
	}
	if before, after, ok := placeholder(lower); ok {
		t.keyPatterns = append(t.keyPatterns, keyPattern{before, after, k})
	}
}

// placeholder splits a name around its variable part, which AWS writes in three
// ways.
func placeholder(name string) (before, after string, ok bool) {
	if before, rest, ok := strings.Cut(name, "${"); ok {
		_, after, ok := strings.Cut(rest, "}")
		return before, after, ok
	}
	if before, rest, ok := strings.Cut(name, "<"); ok {
		_, after, ok := strings.Cut(rest, ">")
		return before, after, ok
	}
	before, ok = strings.CutSuffix(name, "tag-key")
	return before, "", ok && strings.HasSuffix(before, "/")
}

func (t *table) findKey(lower string) (ConditionKey, bool) {
	if k, ok := t.keys[lower]; ok {
		return k, true
	}
	for _, p := range t.keyPatterns {
		if len(lower) > len(p.before)+len(p.after) && strings.HasPrefix(lower, p.before) && strings.HasSuffix(lower, p.after) {
			return p.key, true
		}
	}
	return ConditionKey{}, false
}

// decoder reads the numbers of the table. After the first mistake it only says
// that there was one.
type decoder struct {
	raw   []byte
	texts []string
	lists [][]string
	bad   bool
}

func (d *decoder) number() int {
	n, size := binary.Uvarint(d.raw)
	if size <= 0 || n > 1<<30 {
		d.bad, d.raw = true, nil
		return 0
	}
	d.raw = d.raw[size:]
	return int(n)
}

// count is a number of things, each of which takes at least a byte.
func (d *decoder) count() int {
	n := d.number()
	if n > len(d.raw) {
		d.bad, d.raw = true, nil
		return 0
	}
	return n
}

func (d *decoder) code(largest int) int {
	n := d.number()
	if n > largest {
		d.bad = true
		return 0
	}
	return n
}

func (d *decoder) strings() []string {
	lengths := make([]int, d.count())
	total := 0
	for i := range lengths {
		lengths[i] = d.number()
		total += lengths[i]
	}
	if total > len(d.raw) {
		d.bad = true
		return nil
	}
	all := string(d.raw[:total]) // one allocation, every text is a part of it
	d.raw = d.raw[total:]
	out := make([]string, len(lengths))
	for i, n := range lengths {
		out[i], all = all[:n], all[n:]
	}
	return out
}

func (d *decoder) listTable() [][]string {
	out := make([][]string, d.count())
	for i := range out {
		if n := d.count(); n > 0 {
			out[i] = make([]string, n)
			for j := range out[i] {
				out[i][j] = d.text()
			}
		}
	}
	return out
}

func (d *decoder) text() string {
	if n := d.number(); n < len(d.texts) {
		return d.texts[n]
	}
	d.bad = true
	return ""
}

func (d *decoder) list() []string {
	if n := d.number(); n < len(d.lists) {
		return d.lists[n]
	}
	d.bad = true
	return nil
}

func (d *decoder) service() *service {
	s := &service{prefix: d.text(), name: d.text()}
	n := d.count()
	rest := decoder{raw: d.raw[:n], texts: d.texts, lists: d.lists}
	d.raw = d.raw[n:]
	s.keys = make([]ConditionKey, rest.count())
	for i := range s.keys {
		s.keys[i] = ConditionKey{Name: rest.text(), Type: KeyType(rest.code(int(IPAddress)))}
	}
	s.body = sync.OnceValue(func() *body {
		b, ok := rest.body(s.prefix)
		if !ok {
			panic("metadata: service " + s.prefix + " is cut")
		}
		return b
	})
	return s
}

func (d *decoder) body(prefix string) (*body, bool) {
	b := &body{types: make([]ResourceType, d.count())}
	for i := range b.types {
		b.types[i] = ResourceType{d.text(), d.text(), d.list()}
	}
	b.actions = make([]Action, d.count())
	b.byName = make(map[string]*Action, len(b.actions))
	for i := range b.actions {
		a := &b.actions[i]
		a.Service, a.Name = prefix, d.text()
		a.Access = AccessLevel(d.code(int(PermissionsManagement)))
		if n := d.count(); n > 0 {
			a.Resources = make([]ActionResource, n)
		}
		for j := range a.Resources {
			a.Resources[j] = ActionResource{d.text(), d.code(1) == 1, d.list(), d.list()}
		}
		a.Keys, a.Dependent = d.list(), d.list()
		a.lower = strings.ToLower(a.Name)
		b.byName[a.lower] = a
	}
	return b, !d.bad && len(d.raw) == 0
}
