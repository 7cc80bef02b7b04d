package signin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSignInIsLimited(t *testing.T) {
	s := serve(t, nil)
	b := s.tab()
	s.newMinute()
	for range 120 {
		b.begin("/sign-in/begin", "{}")
	}
	answer, text := b.send("POST", "/sign-in/begin", "{}")
	if answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("got %s: %s, want 429", answer.Status, text)
	}
	s.wait(time.Minute)
	b.begin("/sign-in/begin", "{}")
}

// TestStrangersDoNotUseUpWhatOthersNeed has somebody at the same address use up what it may
// begin: a person who is signed in still proves their key.
func TestStrangersDoNotUseUpWhatOthersNeed(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	b.signIn()
	for range 130 {
		s.tab().send("POST", "/sign-in/begin", "{}")
	}
	if status, text := b.again(); status != http.StatusOK {
		t.Errorf("got %d: %s, want that the key is proven", status, text)
	}
	s.newMinute()
	for range 120 {
		b.send("POST", "/sign-in/again/begin", "{}")
	}
	if answer, _ := b.send("POST", "/sign-in/again/begin", "{}"); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("who is signed in, 120 times later: got %s, want 429", answer.Status)
	}
}

func TestWhatIsNoAnswerOfABrowser(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	for name, body := range map[string]string{
		"no JSON": "{", "unknown field": `{"x":1}`, "no credential": `{"ceremony":"%s"}`, "a credential of nothing": `{"ceremony":"%s","credential":{}}`,
		"a number": `{"ceremony":"%s","credential":7}`, "deep": `{"ceremony":"%s","credential":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"no authenticator data": `{"ceremony":"%s","credential":{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}}`,
	} {
		v := b.begin("/sign-in/begin", "{}")
		answer, text := b.send("POST", "/sign-in/finish", strings.Replace(body, "%s", v.Ceremony, 1))
		if answer.StatusCode != http.StatusBadRequest && answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %s: %s, want a refusal", name, answer.Status, text)
		}
	}
	if answer, _ := b.send("POST", "/sign-in/begin", "", "Content-Type", "text/plain"); answer.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("not JSON: got %s, want 415", answer.Status)
	}
	if answer, _ := b.send("POST", "/sign-in/begin", "{}", "Origin", "https://evil.example"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: got %s, want 403", answer.Status)
	}
}
