package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"strings"
)

// encoder writes the table that iam/metadata reads: a line of text with format,
// version and date, then a deflate stream of
//
//	strings   count, lengths, bytes
//	lists     count, each: length, string numbers
//	services  count, each: prefix, name, length of the body, body
//	globals   count, each: name, kind, category
//	rcp       list number
//
// where a body is keys (name, kind), resource types (name, ARN, key list) and
// actions (name, access, resources (name and required bit, key list, dependent
// list), key list, dependent list). All numbers are unsigned varints.
type encoder struct {
	strings map[string]uint64
	texts   []string
	lists   map[string]uint64
	listed  [][]uint64
	err     error
}

// order of these lists is the code in the table; iam/metadata has the same.
func kinds() []string {
	return []string{"String", "ArrayOfString", "ARN", "ArrayOfARN", "Bool", "ArrayOfBool", "Numeric", "Date", "IPAddress"}
}

func categories() []string { return []string{"principal", "session", "network", "resource", "request"} }

func levels() []string {
	return []string{"List", "Read", "Write", "Tagging", "Permissions management"}
}

func (p *pkg) encode() ([]byte, error) {
	e := encoder{strings: map[string]uint64{}, lists: map[string]uint64{}}
	var services []byte
	services = binary.AppendUvarint(services, uint64(len(p.services)))
	for _, s := range p.services {
		body := e.body(s)
		services = e.text(services, s.prefix)
		services = e.text(services, s.name)
		services = binary.AppendUvarint(services, uint64(len(body)))
		services = append(services, body...)
	}
	globals := binary.AppendUvarint(nil, uint64(len(p.globals)))
	for _, k := range p.globals {
		globals = e.text(globals, k.name)
		globals = e.code(globals, k.kind, kinds(), k.name)
		globals = e.code(globals, k.category, categories(), k.name)
	}
	rcp := e.list(nil, p.rcp)
	if e.err != nil {
		return nil, e.err
	}
	out := bytes.NewBuffer(fmt.Appendf(nil, "rootkeep-iam-metadata 1 %s %s\n", p.version, p.date))
	w, err := flate.NewWriter(out, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	for _, part := range [][]byte{e.stringTable(), e.listTable(), services, globals, rcp} {
		if _, err := w.Write(part); err != nil {
			return nil, err
		}
	}
	err = w.Close()
	return out.Bytes(), err
}

func (e *encoder) body(s service) []byte {
	b := binary.AppendUvarint(nil, uint64(len(s.keys)))
	for _, k := range s.keys {
		b = e.text(b, k.name)
		b = e.code(b, k.kind, kinds(), s.prefix+" "+k.name)
	}
	b = binary.AppendUvarint(b, uint64(len(s.types)))
	for _, t := range s.types {
		b = e.text(b, t.Name)
		b = e.text(b, t.ARN)
		b = e.list(b, t.Keys)
	}
	b = binary.AppendUvarint(b, uint64(len(s.actions)))
	for _, a := range s.actions {
		b = e.text(b, a.Name)
		// "Tagging, Write" says twice that something changes: the first word decides.
		level, _, _ := strings.Cut(a.Access, ",")
		b = e.code(b, level, levels(), s.prefix+":"+a.Name)
		b = binary.AppendUvarint(b, uint64(len(a.Resources)))
		for _, r := range a.Resources {
			b = e.text(b, r.Name)
			required := byte(0)
			if r.Required {
				required = 1
			}
			b = append(b, required)
			b = e.list(b, r.Keys)
			b = e.list(b, r.Dependent)
		}
		b = e.list(b, a.Keys)
		b = e.list(b, a.Dependent)
	}
	return b
}

func (e *encoder) number(s string) uint64 {
	n, ok := e.strings[s]
	if !ok {
		n = uint64(len(e.texts))
		e.strings[s] = n
		e.texts = append(e.texts, s)
	}
	return n
}

func (e *encoder) text(b []byte, s string) []byte { return binary.AppendUvarint(b, e.number(s)) }

func (e *encoder) list(b []byte, items []string) []byte {
	id := strings.Join(items, "\x00")
	n, ok := e.lists[id]
	if !ok {
		numbers := make([]uint64, len(items))
		for i, s := range items {
			numbers[i] = e.number(s)
		}
		n = uint64(len(e.listed))
		e.lists[id] = n
		e.listed = append(e.listed, numbers)
	}
	return binary.AppendUvarint(b, n)
}

func (e *encoder) code(b []byte, value string, all []string, where string) []byte {
	for i, v := range all {
		if v == value {
			return append(b, byte(i))
		}
	}
	if e.err == nil {
		e.err = fmt.Errorf("%s: %q, want one of %q", where, value, all)
	}
	return b
}

func (e *encoder) stringTable() []byte {
	b := binary.AppendUvarint(nil, uint64(len(e.texts)))
	for _, s := range e.texts {
		b = binary.AppendUvarint(b, uint64(len(s)))
	}
	for _, s := range e.texts {
		b = append(b, s...)
	}
	return b
}

func (e *encoder) listTable() []byte {
	b := binary.AppendUvarint(nil, uint64(len(e.listed)))
	for _, l := range e.listed {
		b = binary.AppendUvarint(b, uint64(len(l)))
		for _, n := range l {
			b = binary.AppendUvarint(b, n)
		}
	}
	return b
}
