package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/rule"
)

const secret = "0123456789abcdef0123456789abcdef"

var moment = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func now() time.Time { return moment }

// hostile is a notice whose texts try to leave their place.
func hostile() notify.Notice {
	return notify.Notice{
		ID: "NO-1", Topic: "root-unexplained", Severity: rootkeep.Critical, Account: "111122223333", Subject: "CS-1", At: moment,
		Title: "a\r\nBcc: eve@example.net\r\n\r\n<b>\x1b[2J\u202e", Text: "one\r\n.\r\nMAIL FROM:<eve@example.net>\r\n\"},{\"x\":1", Link: "https://rootkeep.example.com/incidents/CS-1",
	}
}

func webhook(t *testing.T, address string, roots *x509.CertPool) *notify.Post {
	t.Helper()
	p, err := notify.NewPost("desk", shipped(t, "webhook"), map[string]notify.Secret{"url": notify.NewSecret(address), "secret": notify.NewSecret(secret)}, roots, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shipped is a notifier that comes with rootkeep.
func shipped(t *testing.T, id string) *notify.Notifier {
	t.Helper()
	list, problems := notify.LoadNotifiers(rule.Source{FS: content.Files, Dir: "notifiers"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, n := range list {
		if n.ID == id {
			return n
		}
	}
	t.Fatalf("no notifier %s", id)
	return nil
}

func TestAWebhookCarriesTheNoticeAndASignature(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "taken "+secret+"\x1b[2J")
	}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	p := webhook(t, server.URL+"/hook?token=t0ken", roots)
	answer, err := p.Send(t.Context(), hostile())
	if err != nil || answer != `HTTP 202: taken redacted\x1b[2J` {
		t.Errorf("got %q, %v, want what it answered, without the secret", answer, err)
	}
	var n notify.Notice
	if err := json.Unmarshal(body, &n); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(hostile(), n); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(got.Header.Get("Rootkeep-Timestamp") + "."))
	m.Write(body)
	if want := "sha256=" + hex.EncodeToString(m.Sum(nil)); got.Header.Get("Rootkeep-Signature") != want {
		t.Errorf("got signature %s, want %s", got.Header.Get("Rootkeep-Signature"), want)
	}
	if got.Method != http.MethodPost || got.URL.RequestURI() != "/hook?token=t0ken" || got.Header.Get("Idempotency-Key") != "NO-1" {
		t.Errorf("got %s %s %v", got.Method, got.URL, got.Header)
	}
	if strings.Contains(p.Target(), "t0ken") {
		t.Errorf("got target %s, want it without the path and the query", p.Target())
	}
}

func TestWhatBecomesOfAnAnswer(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		final  bool
		want   string // part of the error
	}{
		{"a refusal is final", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such room", http.StatusNotFound) }, true, "HTTP 404: no such room"},
		{"too many requests pass", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, false, "HTTP 429"},
		{"a failure of the receiver passes", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, false, "HTTP 502"},
		{"a redirect is not followed", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				w.WriteHeader(http.StatusOK)
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, true, "HTTP 307"},
		{"a connection that breaks passes", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, "EOF"},
		{"an endless header passes, and is not read", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
			w.WriteHeader(http.StatusOK)
		}, false, "header"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			_, err := webhook(t, server.URL, nil).Send(t.Context(), hostile())
			if err == nil || !strings.Contains(err.Error(), test.want) || notify.IsFinal(err) != test.final {
				t.Errorf("got %v, final %v, want %q, final %v", err, notify.IsFinal(err), test.want, test.final)
			}
		})
	}
}

// The address of a receiver may have its token in it, and a receiver may say back what it
// was sent, in whatever it answers.
func TestNothingThatIsAnsweredTellsASecret(t *testing.T) {
	const token = "B00xyzTOKENxyz00"
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"the path in the body", func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "no hook "+r.URL.Path, http.StatusNotFound)
		}, "HTTP 404: no hook redacted"},
		{"the token alone", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "unknown "+token, http.StatusNotFound) }, "HTTP 404: unknown redacted"},
		{"a redirect that does not parse", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://[::1/"+token+secret+strings.Repeat("x", 5000))
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "redactedredacted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			answer, err := webhook(t, server.URL+"/services/"+token+"?k=v", nil).Send(t.Context(), hostile())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if all := answer + err.Error(); strings.Contains(all, token) || strings.Contains(all, secret) || len(err.Error()) > 2<<10 {
				t.Errorf("got %q and %v, want no secret and no more than 2 KiB", answer, err)
			}
		})
	}
}

func TestALongAnswerIsCut(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			if _, err := io.WriteString(w, strings.Repeat("y", 10_000)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	answer, err := webhook(t, server.URL, nil).Send(t.Context(), hostile())
	if err != nil || len(answer) > 2<<10 {
		t.Errorf("got %d bytes, %v, want at most 2 KiB", len(answer), err)
	}
}

func TestAReceiverThatSaysNothingIsLeft(t *testing.T) {
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer server.Close()
	defer close(over)
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := webhook(t, server.URL, nil).Send(ctx, hostile()); err == nil || err.Error() != "no answer in time" || notify.IsFinal(err) {
		t.Errorf("got %v, want another attempt, and why", err)
	}
}

func TestAddressesThatTakeNoNotices(t *testing.T) {
	n := shipped(t, "webhook")
	for _, address := range []string{"http://hooks.example.com", "http://169.254.169.254/", "ftp://localhost", "https://a:b@hooks.example.com", "/hook", "", "http://localhost.example.com"} {
		_, err := notify.NewPost("desk", n, map[string]notify.Secret{"url": notify.NewSecret(address), "secret": notify.NewSecret(secret)}, nil, now)
		if err == nil {
			t.Errorf("got a way to %q, want a refusal", address)
		}
	}
	// Encrypted, but the metadata service of a cloud: refused when it is dialled.
	for _, address := range []string{"https://169.254.169.254/latest", "https://[fd00:ec2::254]/latest"} {
		_, err := webhook(t, address, nil).Send(t.Context(), hostile())
		if err == nil || !strings.Contains(err.Error(), "takes no notices") || !notify.IsFinal(err) {
			t.Errorf("%s: got %v, want a refusal that is final", address, err)
		}
	}
}

func TestANoticeThatDoesNotFitAHeaderIsRefused(t *testing.T) {
	n, err := load(strings.Replace(strings.Replace(chat, `X-Title: "${notice.id}"`, `X-Title: "${notice.title}"`, 1), "X-Title: NO-1", `X-Title: 'a "b"'`, 1))
	if err != nil {
		t.Fatal(err)
	}
	p, err := notify.NewPost("chat", n, map[string]notify.Secret{"url": notify.NewSecret("http://localhost:1"), "room": notify.NewSecret("ops")}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context(), hostile()); err == nil || !notify.IsFinal(err) || !strings.Contains(err.Error(), "header X-Title") {
		t.Errorf("got %v, want a refusal that is final", err)
	}
}

// What the receiver of a webhook answers if it takes a notice is said by who sets the way up;
// without that the status alone tells.
func TestAWayMaySayWhatSuccessLooksLike(t *testing.T) {
	demand := notify.Success{Answer: map[string]any{"accepted": true, "queue.position": uint64(3)}, Without: []string{"<html"}}
	for _, test := range []struct {
		name, body string
		demand     notify.Success
		status     int
		want       string // part of the error; empty if it is taken
		final      bool
	}{
		{"as it was asked for", `{"accepted":true,"queue":{"position":3}}`, demand, 200, "", false},
		{"a no in the answer", `{"accepted":false,"queue":{"position":3}}`, demand, 200, "(accepted)", true},
		{"another number", `{"accepted":true,"queue":{"position":4}}`, demand, 200, "(queue.position)", true},
		{"no JSON", "ok", demand, 200, "(no JSON)", true},
		{"nothing", "", demand, 204, "(no JSON)", true},
		{"the page of a proxy", `<html>`, demand, 200, "(it says <html)", true},
		{"an answer that fits, with a status that does not", `{"accepted":true,"queue":{"position":3}}`, demand, 503, "HTTP 503", false},
		{"another status than was asked for", "", notify.Success{Status: []int{202}}, 200, "HTTP 200", true},
		{"nothing was asked for", `{"accepted":false}`, notify.Success{}, 200, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			p := webhook(t, server.URL, nil)
			if err := p.Demand(test.demand); err != nil {
				t.Fatal(err)
			}
			_, err := p.Send(t.Context(), hostile())
			if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || notify.IsFinal(err) != test.final) {
				t.Errorf("got %v, final %v, want %q, final %v", err, notify.IsFinal(err), test.want, test.final)
			}
		})
	}
}
