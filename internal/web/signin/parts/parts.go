package parts

import (
	"strings"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/internal/people"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Key is a security key with the name of its model.
type Key struct {
	persons.Key
	Model  string // name, or the AAGUID again
	AAGUID string // as the FIDO documents write it
}

// Where says where a scope reaches.
func Where(s people.Scope) string {
	kind, id, _ := strings.Cut(string(s), ":")
	switch kind {
	case "ou":
		return "unit " + id
	case "account":
		return "account " + id
	case string(people.Everywhere):
		return "all accounts"
	}
	return string(s)
}

// Or is the text, or another if it is empty.
func Or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Attestation says in words how a key vouched for itself (Web Authentication Level 3,
// section 6.5.3). A certificate is one that the key holds: whose it is, only metadata of
// FIDO tells.
func Attestation(k persons.Key) string {
	words := map[string]string{
		"none": "none", "basic_surrogate": "by the key itself", "basic_full": "by a certificate of its maker", "attca": "by a certificate of its maker",
		"anonca": "by an anonymous certificate",
	}
	return Or(words[k.AttestationType], k.AttestationType) + " (" + k.AttestationFormat + ")"
}

func rows(keys []Key, revoke func(Key) templ.Component) []page.Row {
	out := make([]page.Row, len(keys))
	for i, k := range keys {
		var last templ.Component = templ.NopComponent
		if k.Revoked.IsZero() && revoke != nil {
			last = revoke(k)
		}
		out[i] = page.Cells(name(k), model(k), page.Text(Attestation(k.Key)), page.Day(k.Created), page.Time(k.Used), state(k), last)
	}
	return out
}
