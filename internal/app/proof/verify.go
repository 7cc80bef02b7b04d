package proof

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/anchor"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/ledger"
)

// State is what a check came to.
type State string

// The states. Unknown is what could not be looked at: it is no pass. Remembered is what
// the store says of a place outside that was not asked: against whoever keeps the store
// it proves nothing.
const (
	Holds      State = "holds"
	Broken     State = "broken"
	Unknown    State = "unknown"
	Remembered State = "remembered"
)

// Verified is what a verification of a ledger came to.
type Verified struct {
	Schema   string         `json:"schema"`
	State    State          `json:"state"` // the worst of all parts
	Origin   string         `json:"origin"`
	Size     int64          `json:"size"`
	Root     string         `json:"root"` // hash of the head, base64
	SignedBy []string       `json:"signed_by"`
	Log      Part           `json:"log"` // entries, hashes, head, payloads
	Payloads int64          `json:"payloads"`
	Erased   []Erased       `json:"erased"`
	Keys     []Part         `json:"keys,omitempty"`
	Older    *Part          `json:"older,omitempty"` // the checkpoint that was given
	Anchors  []AnchorResult `json:"anchors"`
	// Outside says that the log was compared with a checkpoint that somebody else holds.
	// Without one a log whose newest entries were cut off, with the head of that time put
	// back, holds all the same.
	Outside bool `json:"compared_outside"`
}

// Erased is a payload that is gone, with the entry that tells of it.
type Erased struct {
	Entry int64  `json:"entry"`
	Name  string `json:"name"`
	By    int64  `json:"by"`
}

// Part is one thing that was checked.
type Part struct {
	What  string `json:"what"`
	State State  `json:"state"`
	Entry *int64 `json:"entry,omitempty"` // that is wrong
	Text  string `json:"text,omitempty"`  // may hold text from outside: hostile
}

// AnchorResult is what the anchors of one place came to.
type AnchorResult struct {
	Part
	Kind   string    `json:"kind"`
	Count  int       `json:"count"`          // anchors
	Newest int64     `json:"newest"`         // entries of the newest
	At     time.Time `json:"at"`             // of the newest
	Shown  string    `json:"shown"`          // what the newest one's proof shows
	Asked  bool      `json:"asked"`          // whether the place itself was looked at
	Failed string    `json:"last,omitempty"` // why the last attempt failed
}

// VerifyConfig says what to verify beside the log itself.
type VerifyConfig struct {
	Older    []byte // signed checkpoint that somebody kept, nil for none
	Places   []Place
	Progress func(done, total int64)
}

// Verify checks everything: each entry, hash and payload, the head and who signed it,
// changes of keys, the checkpoint that somebody kept, anchors.
func (b *Book) Verify(ctx context.Context, c VerifyConfig) (*Verified, error) {
	out := &Verified{Schema: "rootkeep/ledger-verify/1", Origin: b.Keys.Origin, Erased: []Erased{}, Anchors: []AnchorResult{}}
	if err := b.verifyLog(ctx, out, c.Progress); err != nil {
		return nil, err
	}
	if out.Log.State != Holds { // proofs on a broken tree would blame the wrong thing
		out.State = Broken
		return out, nil
	}
	err := b.view(ctx, func(v view) error {
		out.Size, out.Root, out.SignedBy = v.head.Size, v.head.Root.String(), ledger.SignedBy(v.head.Signed)
		if err := b.verifyKeys(v, out); err != nil {
			return err
		}
		if c.Older != nil {
			p := b.older(v, "the checkpoint that was given", c.Older)
			out.Older = &p
		}
		return b.verifyAnchors(v, out, c.Places)
	})
	if err != nil {
		return nil, err
	}
	out.State, out.Outside = out.worst(), out.outside()
	return out, nil
}

// outside says whether a checkpoint from outside was compared: one that was given, or that a
// place was asked for. What the store remembers goes back with it.
func (v *Verified) outside() bool {
	return v.Older != nil || slices.ContainsFunc(v.Anchors, func(a AnchorResult) bool { return a.Asked && a.Count > 0 })
}

func (v *Verified) worst() State {
	parts := append([]Part{v.Log}, v.Keys...)
	if v.Older != nil {
		parts = append(parts, *v.Older)
	}
	for _, a := range v.Anchors {
		parts = append(parts, a.Part)
	}
	worst := Holds
	for _, p := range parts {
		if p.State == Broken || p.State == Unknown && worst == Holds {
			worst = p.State
		}
	}
	return worst
}

// verifyLog checks the tables. A fault is a result, not an error.
func (b *Book) verifyLog(ctx context.Context, out *Verified, progress func(done, total int64)) error {
	v, err := b.Store.VerifyLedger(ctx, progress)
	out.Log = part("entries, hashes, payloads and head", err)
	var fault *ledger.Fault
	if err != nil && !errors.As(err, &fault) {
		return err
	}
	if v != nil {
		out.Payloads = v.Payloads
		for _, e := range v.Erased {
			out.Erased = append(out.Erased, Erased{e.Entry, e.Name, e.By})
		}
	}
	return nil
}

// part is the result of a check.
func part(what string, err error) Part {
	p := Part{What: what, State: Holds}
	if err == nil {
		return p
	}
	p.State, p.Text = Broken, err.Error()
	var fault *ledger.Fault
	if errors.As(err, &fault) && fault.Entry >= 0 {
		p.Entry = &fault.Entry
	}
	return p
}

// verifyKeys follows the keys from the oldest to the one that signs.
func (b *Book) verifyKeys(v view, out *Verified) error {
	list, err := anchors.Keys(v.ctx, v.r)
	if err != nil {
		return err
	}
	trusted := b.Keys.Verifier[:1]
	for _, k := range list {
		change, err := v.change(k)
		var next string
		if err == nil {
			next, err = change.Next(b.Keys.Origin, trusted)
		}
		if err == nil && next != k.Verifier {
			err = fmt.Errorf("entry %d names %q, the store %q", k.Entry, next, k.Verifier)
		}
		id, idErr := ledger.KeyID(k.Verifier)
		if idErr != nil {
			id = "?"
		}
		out.Keys = append(out.Keys, part("change to the key "+id, err))
		if err == nil {
			trusted = append(trusted[:len(trusted):len(trusted)], next)
		}
	}
	return nil
}

// older checks that the log extends a signed checkpoint.
func (b *Book) older(v view, what string, signed []byte) Part {
	keys, err := known(b.Keys.Verifier)
	if err != nil {
		return part(what, err)
	}
	c, err := ledger.OpenCheckpoint(signed, b.Keys.Origin, keys)
	if err == nil {
		err = v.extends(c)
	}
	p := part(what, err)
	if err == nil {
		p.Text = fmt.Sprintf("the log of %d entries extends its %d", v.head.Size, c.Size)
	}
	return p
}

// Place is a place of anchors with its name and kind.
type Place struct {
	anchor.Config
	anchor.Place
}

// verifyAnchors checks what the store remembers of anchors, and asks the places that can
// be asked what they hold: a store that was put back to an older state remembers less.
func (b *Book) verifyAnchors(v view, out *Verified, places []Place) error {
	results := map[string]*AnchorResult{}
	var order []string
	of := func(name, kind string) *AnchorResult {
		if results[name] == nil {
			results[name] = &AnchorResult{Part: Part{What: name, State: Holds}, Kind: kind}
			order = append(order, name)
		}
		return results[name]
	}
	for _, p := range places {
		of(p.Name, string(p.Kind()))
	}
	tried, err := anchors.Places(v.ctx, v.r)
	if err != nil {
		return err
	}
	for _, p := range tried {
		of(p.Name, p.Kind).Failed = p.Failure
	}
	var list []anchors.Anchor // read before proofs: one connection runs one query at a time
	if err := anchors.All(v.ctx, v.r, func(a anchors.Anchor) error { list = append(list, a); return nil }); err != nil {
		return err
	}
	newest := map[string]anchors.Anchor{}
	for _, a := range list {
		r := of(a.Place, a.Kind)
		r.Count++
		r.Newest, r.At = a.Size, a.At
		newest[a.Place] = a
		if p := b.older(v, a.Place, a.Signed); p.State != Holds && r.State != Broken {
			r.Part = p
		}
	}
	for _, p := range places {
		b.ask(v, results[p.Name], p, newest[p.Name])
	}
	for _, name := range order {
		r := results[name]
		if !r.Asked && r.Shown == "" && r.State == Holds {
			r.State, r.Text = Remembered, "the store says so; the place was not asked"
		}
		out.Anchors = append(out.Anchors, *r)
	}
	return nil
}

// ask looks at a place itself, and at the proof it gave last.
func (b *Book) ask(v view, r *AnchorResult, p Place, newest anchors.Anchor) {
	if prover, ok := p.Place.(anchor.Prover); ok && newest.Signed != nil {
		shown, err := prover.Check(newest.Signed, newest.Proof)
		if r.Shown = shown; err != nil && r.State != Broken {
			r.Part = part(p.Name, err)
		}
	}
	holder, ok := p.Place.(anchor.Holder)
	if !ok {
		return
	}
	held, err := holder.Held(v.ctx, -1)
	if err != nil {
		if r.State == Holds {
			r.State, r.Text = Unknown, "it could not be asked: "+err.Error()
		}
		return
	}
	r.Asked = true
	for _, signed := range held {
		if part := b.older(v, p.Name, signed); part.State != Holds {
			r.Part = part
			return
		}
	}
	if r.Count > len(held) && r.State == Holds {
		r.State, r.Text = Broken, fmt.Sprintf("it holds %d checkpoints of the %d that were put there", len(held), r.Count)
	}
}

// VerifyFolder checks an exported log.
func VerifyFolder(files fs.FS, origin string, keys []string, older []byte, progress func(done, total int64)) (*Verified, error) {
	out := &Verified{Schema: "rootkeep/ledger-verify/1", Origin: origin, Erased: []Erased{}, Anchors: []AnchorResult{}}
	f, err := CheckFolder(files, origin, keys, progress)
	var fault *ledger.Fault
	if err != nil && !errors.As(err, &fault) {
		return nil, err
	}
	out.Log = part("entries, tiles and head; an export has no payloads", err)
	out.Size, out.Root, out.SignedBy = f.Head.Size, f.Head.Root.String(), ledger.SignedBy(f.Signed)
	if older != nil && err == nil {
		p := folderExtends(f, origin, keys, older)
		out.Older = &p
	}
	out.State, out.Outside = out.worst(), out.outside()
	return out, nil
}

func folderExtends(f *ledger.Folder, origin string, keys []string, signed []byte) Part {
	const what = "the checkpoint that was given"
	verifiers, err := known(keys)
	if err != nil {
		return part(what, err)
	}
	older, err := ledger.OpenCheckpoint(signed, origin, verifiers)
	if err != nil {
		return part(what, err)
	}
	if older.Size > f.Head.Size {
		return part(what, fmt.Errorf("it has %d entries, the export %d: history was rolled back, or this is an older export", older.Size, f.Head.Size))
	}
	proof, err := ledger.Extends(older, f.Head, f)
	if err == nil {
		err = ledger.CheckExtends(older, f.Head, proof)
	}
	p := part(what, err)
	if err == nil {
		p.Text = fmt.Sprintf("the log of %d entries extends its %d", f.Head.Size, older.Size)
	}
	return p
}
