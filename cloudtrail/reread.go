package cloudtrail

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/rootkeep/rootkeep"
)

// reread scans the record at s.b[i:end] with encoding/json. It is slow and
// allocates; it is for records that the scanner has doubts about.
func (s *scanner) reread(i, end int) (int, outcome) {
	data := s.b[i:end]
	decoder := json.NewDecoder(bytes.NewReader(data))
	var raw json.RawMessage
	err := decoder.Decode(&raw)
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return end, short
	case errors.As(err, &syntax):
		at := int(syntax.Offset) - 1
		if tooDeep(data[:at]) {
			return i, deep
		}
		s.complaint = err.Error()
		return i + at, wrong
	case err != nil:
		s.complaint = err.Error()
		return i, wrong
	}
	size := int(decoder.InputOffset())
	data = data[:size]
	if tooDeep(data) {
		return i, deep
	}
	walk := tokens{decoder: json.NewDecoder(bytes.NewReader(data)), data: data, view: s.view, record: s.fields, at: i, texts: s.texts[:0]}
	walk.decoder.UseNumber()
	walk.value(s.fields)
	s.texts = walk.texts
	return i + size, complete
}

// tooDeep says whether brackets outside strings ever nest too deep.
func tooDeep(data []byte) bool {
	var t skimmer
	for len(data) > 0 {
		n, _ := t.skim(data[:1])
		data = data[max(n, 1):] // white space before the value belongs to none
		if t.depth > MaxDepth {
			return true
		}
	}
	return false
}

// tokens walks JSON known to be valid.
type tokens struct {
	decoder *json.Decoder
	data    []byte
	view    *rootkeep.View
	record  *branch
	at      int // index of data in what is scanned
	texts   []literal
}

// value takes one value and what is below it.
func (t *tokens) value(b *branch) {
	token := t.next()
	start := int(t.decoder.InputOffset()) - 1 // of a bracket
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			t.array(b, start)
		} else {
			t.object(b, start)
		}
	case string:
		t.add(b, rootkeep.String, []byte(token))
	case json.Number:
		t.add(b, rootkeep.Number, []byte(token))
	case bool:
		text := "false"
		if token {
			text = "true"
		}
		t.add(b, rootkeep.Bool, []byte(text))
	case nil:
		t.add(b, rootkeep.Null, nil)
	}
}

func (t *tokens) object(b *branch, start int) {
	for t.decoder.More() {
		name, _ := t.next().(string)
		var child *branch
		if b != nil {
			child = b.children[name]
		}
		key := int(t.decoder.InputOffset())
		t.value(child)
		if b == t.record {
			t.document(documentOf([]byte(name)), key)
		}
	}
	t.next()
	t.add(b, rootkeep.Object, t.data[start:t.decoder.InputOffset()])
}

// document notes the value behind the key that ends at an index, if it is a string where
// the record has an object.
func (t *tokens) document(name string, key int) {
	end := int(t.decoder.InputOffset())
	if value := bytes.IndexByte(t.data[key:end], '"'); name != "" && t.data[end-1] == '"' && value >= 0 {
		t.texts = append(t.texts, literal{name, t.at + key + value, t.at + end})
	}
}

func (t *tokens) array(b *branch, start int) {
	empty := true
	for t.decoder.More() {
		empty = false
		t.value(b)
	}
	t.next()
	if empty {
		t.add(b, rootkeep.Array, t.data[start:t.decoder.InputOffset()])
	}
}

func (t *tokens) add(b *branch, kind rootkeep.Kind, text []byte) {
	if b != nil && b.field >= 0 {
		t.view.Add(b.field, rootkeep.Value{Kind: kind, Text: text})
	}
}

// next cannot fail: the data was decoded as a whole before.
func (t *tokens) next() json.Token {
	token, err := t.decoder.Token()
	if err != nil {
		return nil
	}
	return token
}
