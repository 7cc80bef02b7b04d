package policy

import (
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/iam/jsontree"
)

// writer appends JSON; first says that no comma is due.
type writer struct {
	out   []byte
	first bool
}

func (w *writer) object(members func()) {
	w.out = append(w.out, '{')
	w.first = true
	members()
	w.out = append(w.out, '}')
	w.first = false
}

func (w *writer) comma() {
	if !w.first {
		w.out = append(w.out, ',')
	}
	w.first = false
}

func (w *writer) key(k string) {
	w.comma()
	w.quote(k)
	w.out = append(w.out, ':')
}

func (w *writer) list(n int, item func(i int)) {
	w.out = append(w.out, '[')
	for i := range n {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		item(i)
	}
	w.out = append(w.out, ']')
	w.first = false
}

func (w *writer) text(key string, t Text) {
	if t.Present() {
		w.key(key)
		w.value(t)
	}
}

func (w *writer) value(t Text) {
	if t.Kind == jsontree.Number || t.Kind == jsontree.Bool {
		w.out = append(w.out, t.Value...)
		return
	}
	w.quote(t.Value)
}

func (w *writer) texts(key string, t *Texts) {
	if t == nil {
		return
	}
	w.key(key)
	if t.Single && len(t.Items) == 1 {
		w.value(t.Items[0])
		return
	}
	w.list(len(t.Items), func(i int) { w.value(t.Items[i]) })
}

func (w *writer) statement(s *Statement) {
	w.object(func() {
		w.text("Sid", s.Sid)
		w.text("Effect", s.Effect)
		w.principal("Principal", s.Principal)
		w.principal("NotPrincipal", s.NotPrincipal)
		w.texts("Action", s.Action)
		w.texts("NotAction", s.NotAction)
		w.texts("Resource", s.Resource)
		w.texts("NotResource", s.NotResource)
		if s.Condition != nil {
			w.key("Condition")
			w.object(func() {
				for _, b := range s.Condition.Blocks {
					w.key(b.Operator.Value)
					w.object(func() {
						for _, k := range b.Keys {
							w.texts(k.Key.Value, &k.Values)
						}
					})
				}
			})
		}
	})
}

func (w *writer) principal(key string, p *Principal) {
	if p == nil {
		return
	}
	w.key(key)
	if p.Anyone {
		w.quote("*")
		return
	}
	w.object(func() {
		for i := range p.Entries {
			w.texts(p.Entries[i].Type.Value, &p.Entries[i].Values)
		}
	})
}

const hexDigits = "0123456789abcdef"

func (w *writer) quote(s string) {
	w.out = append(w.out, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			w.out = append(w.out, '\\', c)
		case c < 0x20:
			w.out = append(w.out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			w.out = append(w.out, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			w.out = utf8.AppendRune(w.out, r)
			i += n
			continue
		}
		i++
	}
	w.out = append(w.out, '"')
}
