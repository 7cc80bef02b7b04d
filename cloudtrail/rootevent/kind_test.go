package rootevent

import "testing"

// A call about root that no mark shows would be missed.
func TestEveryCallAboutRootHasAMark(t *testing.T) {
	for call := range byAnybody {
		if !Mentions([]byte(call)) {
			t.Errorf("%s has no mark", call)
		}
	}
	for text, want := range map[string]bool{
		`{"userIdentity":{"type":"Root"}}`:                                true,
		`{"userIdentity":{"type":"\u0052\u006f\u006f\u0074"}}`:            true,
		`{"userIdentity":{"arn":"arn:aws:iam::111122223333:root"}}`:       true,
		`{"userIdentity":{"type":"IAMUser"},"eventName":"ListUsers"}`:     false,
		`{"requestParameters":{"serialNumber":"a:mfa/root-account-mfa"}}`: true,
	} {
		if got := Mentions([]byte(text)); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
