package serve

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
)

func TestRecoveringAnAdministrator(t *testing.T) {
	folder := t.TempDir()
	c := Settings{Store: filepath.Join(folder, "rootkeep.db"), URL: "http://localhost:8080"}
	if _, err := Recover(t.Context(), c, "Ada"); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("without a store: got %v, want an error with a hint", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("got %v, %v, want that no file was made", left, err)
	}
	s, _, err := OpenStore(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	made, err := Recover(t.Context(), c, "Ada")
	if err != nil {
		t.Fatal(err)
	}
	secret, found := strings.CutPrefix(made.Link, "http://localhost:8080/enrol#")
	if !found {
		t.Fatalf("got the link %s", made.Link)
	}
	if s, _, err = OpenStore(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		p, err := persons.UseLink(ctx, tx, secret)
		if err == nil && (p.ID != made.Person || p.Name != "Ada") {
			t.Errorf("got %+v, want whom the link was made for", p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if os.Geteuid() != 0 {
		t.Log("not tested: files of somebody else, which only root can make")
		return
	}
	if err := os.Chown(c.Store, 4711, 4711); err != nil {
		t.Fatal(err)
	}
	if _, err := Recover(t.Context(), c, "Eve"); err == nil || !strings.Contains(err.Error(), "belongs to somebody else") {
		t.Errorf("somebody else's store: got %v, want a refusal", err)
	}
}
