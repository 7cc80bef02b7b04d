// Package rootproof is the job that reads places of logs with CloudTrail's keys: what is
// proven of their hours goes into the store, with all events of root users in them.
package rootproof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/app/archive"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// Kind is the kind of jobs that read places of logs with CloudTrail's keys, so that
// absence of uses of root can be claimed of the hours that their digests prove.
const Kind = "root-proof"

// Schedule is that of it, on servers that have such places.
var Schedule = job.Schedule{ID: Kind, Kind: Kind, Cron: "27 4 * * *", Zone: "UTC", Payload: []byte("{}"), Enabled: true}

const (
	usualProof  = 2    // days that are read
	longestDays = 3660 // that somebody may ask for
	arriving    = 500  // events, and days, in one change of the store
)

// Job is the payload.
type Job struct {
	Days int `json:"days,omitempty"` // how far back; 0 is usualProof
}

// Parse reads a payload.
func Parse(payload []byte) (*Job, error) {
	var p Job
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("settings of a proof: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("settings of a proof: more than one JSON value")
	}
	if p.Days < 0 || p.Days > longestDays {
		return nil, fmt.Errorf("settings of a proof: days %d: want 0 to %d", p.Days, longestDays)
	}
	if p.Days == 0 {
		p.Days = usualProof
	}
	return &p, nil
}

// Provable are the places of a file of logs that can prove something.
func Provable(file string) ([]archive.Place, error) {
	places, err := archive.Read(file)
	return slices.DeleteFunc(places, func(p archive.Place) bool { return len(p.Keys) == 0 }), err
}

// Prover does the job.
type Prover struct {
	Store  *store.Store
	Places string // file of the setting hunts
	Now    func() time.Time
	Wake   func() // has somebody look whom to tell
}

// Run reads the places that have keys. One that cannot be read keeps no other from it.
func (r *Prover) Run(ctx context.Context, j *job.Job, say func(string)) error {
	p, err := Parse(j.Payload)
	if err != nil {
		return job.Permanent(err)
	}
	places, err := Provable(r.Places)
	if err != nil {
		return job.Permanent(err)
	}
	if len(places) == 0 {
		return job.Permanent(errors.New("the server's settings name no place of logs with CloudTrail's public keys; hint: keys of a place in the file of the setting hunts, see docs/server.md"))
	}
	var all error
	said := ""
	for _, place := range places {
		found, err := app.ProveRoot(ctx, app.ReconcileConfig{
			Paths: place.Paths, Keys: place.Keys, Since: r.Now().AddDate(0, 0, -p.Days), Now: r.Now,
			Progress: func(r report.Progress) { say(fmt.Sprintf("%s: %s events read", place.Name, text.Grouped(r.Events))) },
		})
		if err == nil {
			err = r.keepProof(ctx, place.Name, found)
		}
		if err != nil {
			all = errors.Join(all, fmt.Errorf("place %s: %w", place.Name, err))
			continue
		}
		said += place.Name + ": " + proved(found) + "; "
		say(said)
	}
	return all
}

func proved(p *app.RootProof) string {
	if p.Lacks != "" {
		return "nothing is proven: " + p.Lacks
	}
	out := text.Counted(len(p.Hours), "day") + " of accounts and Regions with proven hours"
	if p.Bad > 0 {
		out += ", " + text.Counted(p.Bad, "file") + " invalid, missing or planted; hint: rootkeep trail verify names them"
	}
	return out
}

// keepProof keeps the events first: an hour counts as proven only once all that happened in
// it is known here, whichever source should have brought it.
func (r *Prover) keepProof(ctx context.Context, place string, found *app.RootProof) error {
	for events := range slices.Chunk(found.Events, arriving) {
		err := r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			touched, err := rootlog.Arrive(ctx, tx, Kind+" "+place, nil, events)
			if err == nil {
				_, err = access.Judge(ctx, tx, touched)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for hours := range slices.Chunk(found.Hours, arriving) {
		err := r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			touched, err := rootlog.Cover(ctx, tx, people.SystemActor.ID, hours)
			if err == nil {
				_, err = access.Judge(ctx, tx, touched)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(found.Events) > 0 {
		r.Wake()
	}
	return nil
}
