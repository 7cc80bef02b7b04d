package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
)

// Kinds of jobs.
const (
	ScanKind  = "scan"       // reads AWS
	JudgeKind = "judge-scan" // judges what was sent
)

// ScanJob is the payload of a job that scans: what to read, with the credentials that
// the server finds as the AWS CLI does. Organization unset reads the account of the
// credentials alone. Who asked for it stands in the ledger's entry of the job: somebody
// typed this, and would say who it was.
type ScanJob struct {
	Organization bool                 `json:"organization,omitempty"`
	Role         string               `json:"role,omitempty"`        // in each account; "" is the usual one
	Broker       string               `json:"broker_role,omitempty"` // ARN of a role to enter before
	ExternalID   string               `json:"external_id,omitempty"`
	Accounts     []rootkeep.AccountID `json:"accounts,omitempty"` // the only ones; none: all
	Skip         []rootkeep.AccountID `json:"skip,omitempty"`
	Profile      string               `json:"profile,omitempty"`
	Region       string               `json:"region,omitempty"` // to begin in; AWS names the others
}

// ParseScanJob reads a payload; an unknown member is an error.
func ParseScanJob(payload []byte) (*ScanJob, error) {
	var s ScanJob
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("settings of a scan: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("settings of a scan: more than one JSON value")
	}
	for _, list := range [][]rootkeep.AccountID{s.Accounts, s.Skip} {
		for _, id := range list {
			if _, err := rootkeep.ParseAccountID(string(id)); err != nil {
				return nil, fmt.Errorf("settings of a scan: %w", err)
			}
		}
	}
	if !s.Organization && (s.Role != "" || s.Broker != "" || s.ExternalID != "" || len(s.Accounts)+len(s.Skip) > 0) {
		return nil, errors.New("settings of a scan: role, broker_role, external_id, accounts and skip go with organization")
	}
	return &s, nil
}

// JudgeJob is the payload of a job that judges what was sent.
type JudgeJob struct {
	Scan   string `json:"scan"`
	Placed bool   `json:"placed"` // the sender may act for the whole organization
}

// resume is how old a scan may be that an attempt goes on with.
const resume = 24 * time.Hour

// attempts of a job. The scan of one that failed in all of them has failed; if somebody
// has the job run again, it is taken up.
const attempts = 3

// Kinds are the kinds of jobs of a server whose scans lie in a folder while they run. A
// scan that was interrupted goes on there at the next attempt.
func (r *Recorder) Kinds(folder string) []job.Kind {
	return []job.Kind{
		{Name: ScanKind, Attempts: attempts, Handler: job.HandlerFunc(func(ctx context.Context, j *job.Job, report func(string)) error {
			return r.scan(ctx, j, folder, report)
		})},
		{Name: JudgeKind, Attempts: attempts, Handler: job.HandlerFunc(r.judge)},
	}
}

// ScanOf is the ID of the scan that a job makes.
func ScanOf(j *job.Job) string { return "SC-" + strings.TrimPrefix(j.ID, "JO-") }

func (r *Recorder) scan(ctx context.Context, j *job.Job, folder string, report func(string)) error {
	s, err := ParseScanJob(j.Payload)
	if err != nil {
		return job.Permanent(err)
	}
	run := Run{ID: ScanOf(j), Source: kept.Job, Actor: people.SystemActor.ID, Placed: true, Report: report, Again: j.Attempt < attempts}
	if done, err := r.over(ctx, run.ID); err != nil || done {
		return err
	}
	run.Config = scan.Config{AWS: &scan.AWSConfig{Profile: s.Profile, Region: s.Region}}
	if s.Organization {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		run.Config.Save = filepath.Join(folder, run.ID)
		run.Config.Organization = &scan.OrganizationConfig{
			Accounts: s.Accounts, Skip: s.Skip, ResumeWithin: resume,
			Entry: awsread.Entry{Role: s.Role, ExternalID: s.ExternalID, Broker: s.Broker, Entered: r.Entered(ctx, run.ID), Progress: func(p scan.Progress) {
				report(fmt.Sprintf("%d of %d accounts read", p.Done, p.Accounts))
			}},
		}
	}
	if err := r.Do(ctx, run); err != nil {
		return err
	}
	if run.Config.Save != "" {
		return os.RemoveAll(run.Config.Save) // its snapshots are in the store
	}
	return nil
}

// over says whether the scan is done already: its server died before it said so of the job.
func (r *Recorder) over(ctx context.Context, id string) (over bool, err error) {
	err = r.Store.View(ctx, func(ctx context.Context, tx *store.Reader) error {
		_, state, err := kept.Began(ctx, tx, id)
		over = state == kept.Finished
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return over, err
}

func (r *Recorder) judge(ctx context.Context, j *job.Job, report func(string)) error {
	var p JudgeJob
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return job.Permanent(fmt.Errorf("settings of a judgement: %w", err))
	}
	if done, err := r.over(ctx, p.Scan); err != nil || done {
		return err
	}
	err := r.Judge(ctx, p.Scan, p.Placed, report)
	if err != nil && ctx.Err() == nil && j.Attempt >= attempts {
		return errors.Join(err, r.Fail(ctx, p.Scan, people.SystemActor.ID, err))
	}
	return err
}
