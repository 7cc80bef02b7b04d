package signin_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/signin/authtest"
)

func TestACountThatWentBackIsRecorded(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	b.key.Count = 0
	if status, text := b.signIn(); status != http.StatusForbidden || !strings.Contains(text, "copy") {
		t.Errorf("got %d: %s, want that there may be a copy", status, text)
	}
	if got := s.entries("key.doubted"); got != 1 {
		t.Errorf("got %d entries, want one", got)
	}
	b.key.Count = 10
	if status, _ := b.signIn(); status != http.StatusOK {
		t.Errorf("got %d, want that the key itself still signs in", status)
	}
}

func TestAnEnrolmentLinkIsGoodOnceAndForItsTime(t *testing.T) {
	s := serve(t, nil)
	_, link := s.link("Ada")
	first, second := s.tab(), s.tab()
	v := second.begin("/enrol/begin", `{"link":"`+link+`"}`) // begun before the link is spent
	if status, text := first.enrol(link); status != http.StatusOK {
		t.Fatalf("got %d: %s", status, text)
	}
	credential, err := second.key.Create(s.url, v.Options)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := second.finish("/enrol/finish", v, credential, "link", link); status != http.StatusForbidden {
		t.Errorf("a second key by the same link: got %d, want 403", status)
	}
	_, other := s.link("Eve")
	w := second.begin("/enrol/begin", `{"link":"`+other+`"}`)
	if credential, err = second.key.Create(s.url, w.Options); err != nil {
		t.Fatal(err)
	}
	_, third := s.link("Bob")
	if status, _ := second.finish("/enrol/finish", w, credential, "link", third); status != http.StatusBadRequest {
		t.Errorf("a key made for one person by the link of another: got %d, want 400", status)
	}
	s.wait(time.Hour)
	for name, text := range map[string]string{"used": link, "expired": other, "none": "", "hostile": `rkin_\u0000`} {
		if answer, _ := second.send("POST", "/enrol/begin", `{"link":"`+text+`"}`); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %s, want 403", name, answer.Status)
		}
	}
	if got := s.entries("key.enrolled"); got != 1 {
		t.Errorf("got %d keys, want one", got)
	}
}

func TestAKeyThatMisbehavesIsNotEnrolled(t *testing.T) {
	for name, spoil := range map[string]func(*tab){
		"without user verification": func(b *tab) { b.key.Unverified = true },
		"from another origin":       func(b *tab) { b.origin = "https://evil.example" },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			_, link := s.link("Ada")
			b := s.tab()
			spoil(b)
			if status, text := b.enrol(link); status != http.StatusForbidden {
				t.Errorf("got %d: %s, want 403", status, text)
			}
			good := s.tab()
			if status, text := good.enrol(link); status != http.StatusOK {
				t.Errorf("afterwards: got %d: %s, want that the link is not spent", status, text)
			}
		})
	}
}

func TestASecondKey(t *testing.T) {
	s := serve(t, nil)
	p, b := s.ada()
	b.signIn()
	v := b.begin("/me/keys/begin", "{}")
	if _, err := b.key.Create(s.url, v.Options); err == nil {
		t.Error("the key that is there may be enrolled again")
	}
	second := &authtest.Key{Synced: true, Countless: true, Transports: []string{"internal", "evil\n", "hybrid"}}
	credential, err := second.Create(s.url, v.Options)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := b.finish("/me/keys/finish", v, credential, "name", "spare"); status != http.StatusOK {
		t.Fatalf("got %d: %s", status, text)
	}
	other := s.tab()
	other.key = second
	for range 2 { // a key that does not count
		if status, text := other.signIn(); status != http.StatusOK {
			t.Errorf("got %d: %s, want that the second key signs in", status, text)
		}
	}
	var keys []persons.Key
	if err := s.store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		keys, err = persons.GoodKeys(ctx, r, p.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := keys[1].Transports; !slices.Equal(got, []string{"internal", "hybrid"}) {
		t.Errorf("got transports %q, want those that are known", got)
	}
	if got := b.status("POST", "/me/keys/"+keys[1].ID+"/revoke"); got != http.StatusSeeOther {
		t.Fatalf("revoke: got %d", got)
	}
	if got := other.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("the session of the revoked key: got %d, want that it is over", got)
	}
	s.wait(web.FreshFor + time.Second)
	if got := b.status("POST", "/me/keys/"+keys[0].ID+"/revoke"); got != http.StatusSeeOther || s.entries("key.revoked") != 1 {
		t.Errorf("without a fresh key: got %d and %d revoked, want one", got, s.entries("key.revoked"))
	}
}
