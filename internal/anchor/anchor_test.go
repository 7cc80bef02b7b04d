package anchor_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/anchor"
	"github.com/rootkeep/rootkeep/internal/timestamp/timestamptest"
	"github.com/rootkeep/rootkeep/ledger"
)

var head = ledger.Checkpoint{Origin: "keep", Size: 12}

const signed = "keep\n12\nAAAA\n\n— keep AAAAAAAA\n"

func noPause(context.Context, time.Duration) error { return nil }

func TestAFolderKeepsCheckpointsAndNeverReplacesOne(t *testing.T) {
	f := &anchor.Folder{Path: filepath.Join(t.TempDir(), "new", "folder")}
	for range 2 {
		if _, err := f.Put(t.Context(), head, []byte(signed)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Put(t.Context(), head, []byte(strings.Replace(signed, "AAAA\n", "BBBB\n", 1))); err == nil || !strings.Contains(err.Error(), "history was rewritten") {
		t.Errorf("another checkpoint of that size: got %v", err)
	}
	if _, err := f.Put(t.Context(), head, []byte(signed+"— keep CCCCCCCC\n")); err != nil {
		t.Errorf("the same head under another key: %v", err)
	}
	path := filepath.Join(f.Path, anchor.Name(13))
	if err := os.WriteFile(path, []byte(signed[:9]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Put(t.Context(), ledger.Checkpoint{Origin: "keep", Size: 13}, []byte(signed)); err == nil || !strings.Contains(err.Error(), "is cut") {
		t.Errorf("a cut file: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(f.Path, "README"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if held, err := f.Held(t.Context(), -1); err != nil || len(held) != 2 || string(held[0]) != signed {
		t.Errorf("held: got %q, %v", held, err)
	}
	if held, err := f.Held(t.Context(), 12); err != nil || len(held) != 1 {
		t.Errorf("held after 12: got %q, %v", held, err)
	}
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Held(t.Context(), -1); err == nil {
		t.Error("a file of a megabyte is taken for a checkpoint")
	}
}

func TestAWebhookIsSignedAndTriedAgain(t *testing.T) {
	secret := []byte("0123456789abcdef")
	answers := []int{503, 429, 200}
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if got, want := r.Header.Get("Rootkeep-Signature"), anchor.Signature(secret, "1764000000", body); got != want || r.Header.Get("Rootkeep-Timestamp") != "1764000000" {
			t.Errorf("signature: got %s, want %s", got, want)
		}
		bodies = append(bodies, string(body))
		w.WriteHeader(answers[len(bodies)-1])
		fmt.Fprint(w, "thanks")
	}))
	defer server.Close()
	h := &anchor.Hook{Post: anchor.Post{Address: server.URL, Sleep: noPause}, Secret: secret, Now: func() time.Time { return time.Unix(1764000000, 0) }}
	proof, err := h.Put(t.Context(), head, []byte(signed))
	if err != nil || string(proof) != "thanks" || len(bodies) != 3 || bodies[2] != signed {
		t.Errorf("got %q, %v after %d posts, want thanks after 3", proof, err, len(bodies))
	}
	h.Secret = secret[:8]
	if _, err := h.Put(t.Context(), head, []byte(signed)); err == nil {
		t.Error("a short secret is taken")
	}
}

func TestAWebhookThatDoesNotTakeIt(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		posts  int
	}{
		"a refusal is not tried again":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, 1},
		"a redirect is not followed":      {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 307) }, 1},
		"an endless answer is not read":   {func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) }, 1},
		"a server that is down for good":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, 4},
		"a connection that ends at once":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 4},
		"no content is no proof, but 2xx": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			posts := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { posts++; tt.answer(w, r) }))
			defer server.Close()
			client := server.Client()
			client.Transport.(*http.Transport).DisableKeepAlives = true // which net/http would retry on by itself
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			h := &anchor.Hook{Post: anchor.Post{Address: server.URL + "/?token=hidden", Client: client, Sleep: noPause}, Secret: make([]byte, 32), Now: time.Now}
			_, err := h.Put(t.Context(), head, []byte(signed))
			if (err == nil) != (name == "no content is no proof, but 2xx") || posts != tt.posts {
				t.Errorf("got %v after %d posts, want %d", err, posts, tt.posts)
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error shows the address's secret: %v", err)
			}
		})
	}
}

func TestAStampIsCheckedBeforeItIsKept(t *testing.T) {
	authority := timestamptest.Start(t, "ec")
	var answer http.Handler = authority
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer.ServeHTTP(w, r) }))
	defer server.Close()
	s := &anchor.Stamper{Post: anchor.Post{Address: server.URL, Sleep: noPause}, Roots: authority.Roots()}
	proof, err := s.Put(t.Context(), head, []byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	if shows, err := s.Check([]byte(signed), proof); err != nil || !strings.Contains(shows, "stamped at 20") {
		t.Errorf("got %q, %v", shows, err)
	}
	if _, err := s.Check([]byte(signed+"x"), proof); err == nil {
		t.Error("a stamp on another checkpoint is taken")
	}
	answer = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(proof) })
	if _, err := s.Put(t.Context(), head, []byte(signed)); err == nil || !strings.Contains(err.Error(), "another request") {
		t.Errorf("an old answer: got %v", err)
	}
	answer = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) })
	if _, err := s.Put(t.Context(), head, []byte(signed)); err == nil {
		t.Error("a page is taken for a stamp")
	}
}

func TestPlacesAreReadFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anchors.yaml")
	read := func(text string) ([]anchor.Config, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return anchor.ReadConfig(path)
	}
	list, err := read(`anchors:
  - {name: paper, file: /mnt/anchors}
  - {name: partner, webhook: "https://user:word@example.com/hook?token=1", secret_file: /etc/k}
  - {name: vault, object_lock: "s3://bucket/some/where", region: eu-west-1, retain_days: 30}
  - {name: stamp, timestamp: "http://tsa.example.com/tsr", roots: /etc/tsa.pem}
`)
	if err != nil || len(list) != 4 {
		t.Fatalf("got %v, %v", list, err)
	}
	for i, want := range []string{"file /mnt/anchors", "webhook https://example.com/hook", "object-lock s3://bucket/some/where", "timestamp http://tsa.example.com/tsr"} {
		if got := string(list[i].Kind()) + " " + list[i].Target(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if bucket, prefix, err := list[2].Bucket(); bucket != "bucket" || prefix != "some/where/" || err != nil || list[2].Retention() != 720*time.Hour {
		t.Errorf("got %q, %q, %v", bucket, prefix, err)
	}
	for name, text := range map[string]string{
		"an unknown key":            "anchors: [{name: a, file: /x, colour: red}]",
		"an unknown section":        "anchor: []",
		"two kinds":                 "anchors: [{name: a, file: /x, timestamp: 'https://x.example'}]",
		"no kind":                   "anchors: [{name: a}]",
		"no name":                   "anchors: [{file: /x}]",
		"a name twice":              "anchors: [{name: a, file: /x}, {name: a, file: /y}]",
		"a relative path":           "anchors: [{name: a, file: x}]",
		"a webhook without secret":  "anchors: [{name: a, webhook: 'https://x.example'}]",
		"a webhook without TLS":     "anchors: [{name: a, webhook: 'http://x.example', secret_file: /k}]",
		"a stamp without roots":     "anchors: [{name: a, timestamp: 'https://x.example'}]",
		"a setting of another kind": "anchors: [{name: a, file: /x, region: eu-west-1}]",
		"no bucket":                 "anchors: [{name: a, object_lock: 's3:///x'}]",
		"another scheme":            "anchors: [{name: a, object_lock: 'https://bucket/x'}]",
		"a mode that is none":       "anchors: [{name: a, object_lock: 's3://bucket', mode: none}]",
		"a negative retention":      "anchors: [{name: a, object_lock: 's3://bucket', retain_days: -1}]",
	} {
		if _, err := read(text); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	if list, err := read(""); err != nil || len(list) != 0 {
		t.Errorf("an empty file: got %v, %v", list, err)
	}
}
