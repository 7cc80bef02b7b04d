package keyfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/ledger"
)

const origin = "keep.example/ledger"

func create(t *testing.T) *keyfile.Keys {
	t.Helper()
	k, err := keyfile.Create(filepath.Join(t.TempDir(), "ledger.key"), origin)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTheFileIsMadeOnceAndOpenedAgain(t *testing.T) {
	k := create(t)
	info, err := os.Stat(k.Path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}
	if _, err := keyfile.Create(k.Path, origin); err == nil {
		t.Error("a key file was replaced")
	}
	again, err := keyfile.OpenOrCreate(k.Path, origin)
	if err != nil || again.Verifier[0] != k.Verifier[0] || again.Origin != origin {
		t.Errorf("got %v, %v, want the same keys", again, err)
	}
	if again, err := keyfile.OpenOrCreate(k.Path, "other.example"); err != nil || again.Origin != origin {
		t.Errorf("under another address: got %v, %v, want the ledger's own origin", again, err)
	}
}

func TestAFileThatOthersMayReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	k := create(t)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o660, 0o610} {
		if err := os.Chmod(k.Path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keyfile.Open(k.Path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: got %v, want a refusal with a hint", mode, err)
		}
	}
	if err := os.Chmod(k.Path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Open(k.Path); err != nil {
		t.Errorf("mode 0400: %v", err)
	}
}

func TestAChangeOfKeys(t *testing.T) {
	k := create(t)
	first := k.SigningIDs()
	public, err := k.Begin()
	if err != nil {
		t.Fatal(err)
	}
	during, err := keyfile.Open(k.Path)
	if err != nil || !during.Changing() || during.Pending() != public || len(during.Verifier) != 2 {
		t.Fatalf("during the change: got %v, %v", during, err)
	}
	signers, err := during.Signers()
	if err != nil || len(signers) != 2 {
		t.Fatalf("got %d signers, %v, want 2", len(signers), err)
	}
	signed, err := ledger.Checkpoint{Origin: origin}.Sign(signers...)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range during.Verifier {
		if !ledger.SignedWith(signed, key) {
			t.Errorf("%s did not sign", key)
		}
	}
	if _, err := during.Begin(); err == nil {
		t.Error("a second change began during the first")
	}
	if err := during.Finish(); err != nil {
		t.Fatal(err)
	}
	after, err := keyfile.Open(k.Path)
	if err != nil || after.Changing() || len(after.Verifier) != 2 || after.SigningIDs()[0] == first[0] {
		t.Errorf("after the change: got %v, %v", after, err)
	}
	known, err := after.Known()
	if err != nil {
		t.Fatal(err)
	}
	old, err := ledger.Checkpoint{Origin: origin}.Sign(signers[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenCheckpoint(old, origin, known); err == nil {
		t.Error("the replaced key still signs heads")
	}
	if _, err := ledger.OpenCheckpoint(signed, origin, known); err != nil {
		t.Errorf("a head of both keys: %v", err)
	}
	if err := after.Finish(); err == nil {
		t.Error("a change that is not under way was finished")
	}
}

// Whatever is printed, logged or wrong with a file, no private key shows.
func TestNothingShowsAPrivateKey(t *testing.T) {
	k := create(t)
	text, err := os.ReadFile(k.Path)
	if err != nil {
		t.Fatal(err)
	}
	var private string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "PRIVATE") {
			private = strings.TrimSpace(line)
		}
	}
	secret := private[len(private)-20:]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, k); strings.Contains(got, secret) {
			t.Errorf("%s shows it: %s", verb, got)
		}
		if got := fmt.Sprintf(verb, *k); strings.Contains(got, secret) {
			t.Errorf("%s of the value shows it: %s", verb, got)
		}
	}
	for name, broken := range map[string]string{
		"a letter lost":     private[:10] + private[11:],
		"a slip at the end": private[:len(private)-1] + "!",
		"cut":               private[:len(private)-6],
		"a word before":     "key: " + private,
		"the key twice":     private + "\n" + private,
		"no verifier":       private,
	} {
		path := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(path, []byte(broken+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keyfile.Open(path)
		if err == nil {
			t.Errorf("%s: want an error", name)
		} else if strings.Contains(err.Error(), secret[:12]) {
			t.Errorf("%s: the error shows it: %v", name, err)
		}
	}
}

func TestKeysOfAnAuditor(t *testing.T) {
	k := create(t)
	keys, err := keyfile.ParseVerifiers([]byte("# of 2026\n\n" + k.Verifier[0] + "\r\n"))
	if err != nil || len(keys) != 1 || keys[0] != k.Verifier[0] {
		t.Errorf("got %v, %v", keys, err)
	}
	text, err := os.ReadFile(k.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{"nothing": "# none\n", "a word": "key\n", "a private key": string(text)} {
		if _, err := keyfile.ParseVerifiers([]byte(bad)); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func FuzzParseVerifiers(f *testing.F) {
	f.Add("# comment\nkeep.example+00000000+AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := keyfile.ParseVerifiers([]byte(text))
		if err == nil && len(keys) == 0 {
			t.Error("neither keys nor an error")
		}
	})
}
