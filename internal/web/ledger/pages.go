package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// listView is the page of the ledger.
type listView struct {
	URL         *url.URL
	Entries     []entries.Entry
	Head        store.Head
	Newest      time.Time // of the newest entry
	Places      []anchors.Standing
	MayExport   bool
	First, Next string
	Now         time.Time
}

func (a *area) list(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := filter(q)
	if err != nil {
		return err
	}
	found, err := a.find(r.Context(), f)
	if err != nil {
		return err
	}
	p := web.PageOf(found.list, web.PageSize, cursor)
	v := listView{
		URL: r.URL, Entries: p.Items, Head: found.head, Newest: found.newest, Places: found.places, Now: a.Now(),
		MayExport: a.Evidence != nil && web.ActorOf(r.Context()).May(people.ReadEvidence, people.Place{}),
	}
	if f.Before > 0 {
		v.First = page.AtCursor(r.URL, "")
	}
	if p.Next != "" {
		v.Next = page.AtCursor(r.URL, p.Next)
	}
	return web.Show(w, r, "Ledger", listPage(v))
}

func cursor(e entries.Entry) string { return web.Cursor(strconv.FormatInt(e.N, 10)) }

// wordLetters are those of types, subjects and actors of the ledger.
const wordLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/+-"

// filter reads the state of the page from its address.
func filter(q url.Values) (entries.Filter, error) {
	f := entries.Filter{Type: q.Get("type"), Subject: q.Get("subject"), Actor: q.Get("actor"), Limit: web.PageSize}
	for _, text := range []string{f.Type, f.Subject, f.Actor} {
		if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(wordLetters, r) }) || len(text) > 256 {
			return f, web.Refuse(http.StatusUnprocessableEntity, "invalid", "want types and IDs: letters, digits and ._:@/+-")
		}
	}
	var err error
	if f.Before, err = before(q.Get("cursor")); err != nil {
		return f, err
	}
	for _, bound := range []struct {
		name string
		at   *time.Time
		days int
	}{{"from", &f.From, 0}, {"to", &f.To, 1}} { // the last day is of the period
		text := q.Get(bound.name)
		if text == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return f, web.Refuse(http.StatusUnprocessableEntity, "invalid", bound.name+": want a day, 2026-11-26")
		}
		*bound.at = day.AddDate(0, 0, bound.days)
	}
	return f, nil
}

// before reads a cursor: the number of the last entry of the page before.
func before(cursor string) (int64, error) {
	values, err := web.ReadCursor(cursor, 1)
	if err != nil || values == nil {
		return 0, err
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || n < 0 {
		return 0, web.Refuse(http.StatusUnprocessableEntity, "invalid", "the cursor is not one of this list")
	}
	if n == 0 {
		return 0, web.NotFound("next page")
	}
	return n, nil
}

// entryNumber is that of the address.
func entryNumber(r *http.Request) (int64, error) {
	text := r.PathValue("n")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, web.NotFound("such entry of the ledger")
	}
	return n, nil
}

func (a *area) show(w http.ResponseWriter, r *http.Request) error {
	n, err := entryNumber(r)
	if err != nil {
		return err
	}
	p, err := a.prove(r.Context(), n)
	if err != nil {
		return err
	}
	return web.Show(w, r, fmt.Sprintf("Ledger entry %d", n), entryPage(p, web.ActorOf(r.Context()).May(people.ReadEvidence, people.Place{})))
}

func (a *area) receipt(w http.ResponseWriter, r *http.Request) error {
	n, err := entryNumber(r)
	if err != nil {
		return err
	}
	p, err := a.prove(r.Context(), n)
	if err != nil {
		return err
	}
	return file(w, fmt.Sprintf("%d.tlog-proof", n), "text/plain; charset=utf-8", p.Receipt.Marshal())
}

func (a *area) leaf(w http.ResponseWriter, r *http.Request) error {
	n, err := entryNumber(r)
	if err != nil {
		return err
	}
	p, err := a.prove(r.Context(), n)
	if err != nil {
		return err
	}
	return file(w, fmt.Sprintf("%d.json", n), "application/json", p.Leaf)
}

func (a *area) keys(w http.ResponseWriter, r *http.Request) error {
	if err := everywhere(r.Context(), people.Read); err != nil {
		return err
	}
	text := "# Verifier keys of the ledger. Compare them with those that you were given before.\n"
	for _, k := range a.Keys {
		text += k + "\n"
	}
	return file(w, "ledger-keys.txt", "text/plain; charset=utf-8", []byte(text))
}

// file answers with something to keep: a browser saves it and shows nothing.
func file(w http.ResponseWriter, name, kind string, data []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // the client may be gone
	return nil
}

// evidence answers with a bundle of the days of a form. It is made as a whole before the
// first byte is sent, so that a fault is an answer and not half a zip.
func (a *area) evidence(w http.ResponseWriter, r *http.Request) error {
	if err := everywhere(r.Context(), people.ReadEvidence); err != nil {
		return err
	}
	from, fromErr := time.Parse(time.DateOnly, r.PostFormValue("from"))
	last, lastErr := time.Parse(time.DateOnly, r.PostFormValue("to"))
	if fromErr != nil || lastErr != nil || last.Before(from) {
		return web.Refuse(http.StatusUnprocessableEntity, "invalid", "want a first and a last day, such as 2026-07-01 and 2026-09-30")
	}
	temp, err := os.CreateTemp("", "rootkeep-evidence-*") // mode 0600
	if err != nil {
		return fmt.Errorf("make a bundle: %w", err)
	}
	defer func() { _ = errors.Join(temp.Close(), os.Remove(temp.Name())) }() // what is left of it is no answer's fault
	if err := a.Evidence(r.Context(), from, last.AddDate(0, 0, 1), temp); err != nil {
		return err
	}
	period := from.Format(time.DateOnly) + "/" + last.Format(time.DateOnly)
	if err := a.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.Record("evidence.exported", period, web.ActorOf(ctx).ID)
	}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="evidence-%s-%s.zip"`, from.Format("20060102"), last.Format("20060102")))
	http.ServeContent(w, r, "", time.Time{}, temp)
	return nil
}
