package people

import (
	"strings"
	"testing"
)

func FuzzParseSecret(f *testing.F) {
	f.Add("rk_" + strings.Repeat("a", 52))
	f.Add("rk_" + strings.Repeat("A", 52))
	f.Add("rk_\n" + strings.Repeat("a", 52))
	f.Add("rkin_")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := parseSecret(tokenPrefix, text)
		if !ok {
			return
		}
		if s.Reveal() != text || len(text) > len(tokenPrefix)+60 || strings.ToLower(text) != text || !strings.HasPrefix(s.shown(), tokenPrefix) {
			t.Errorf("%q: taken for a token", text)
		}
	})
}

func TestASecretHasOneSpelling(t *testing.T) {
	s := newSecret(tokenPrefix)
	good := s.Reveal()
	if _, ok := parseSecret(tokenPrefix, good); !ok {
		t.Fatalf("%q: not taken", good)
	}
	for _, text := range []string{good + "a", good[:len(good)-1], " " + good, good + "\n", good[:10] + "\n" + good[10:], good[:10] + "\r" + good[10:], strings.ToUpper(good), "rkin_" + good[3:]} {
		if _, ok := parseSecret(tokenPrefix, text); ok {
			t.Errorf("%q: taken for a token", text)
		}
	}
}
