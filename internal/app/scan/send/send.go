// Package send sends a scan that was made here to a server: the snapshot of each account
// with what it came to, as soon as it is judged. The server judges again, by its own
// controls and register, and tells where it came to something else.
package send

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
)

// Caller makes calls of the server's API; *client.Client is one.
type Caller interface {
	Do(ctx context.Context, call client.Call, out any) (client.Answer, error)
}

// Sending is a scan that is being sent.
type Sending struct {
	server Caller
	names  func() map[rootkeep.AccountID]string
	scan   client.Scan // without ID until the first account is sent
	sent   int
}

// New sends to the server. names gives the names of accounts in their organization.
func New(server Caller, names func() map[rootkeep.AccountID]string) *Sending {
	return &Sending{server: server, names: names}
}

// Account sends one account.
func (s *Sending) Account(ctx context.Context, snapshot *facts.Snapshot, findings []rootkeep.Finding) error {
	if _, err := rootkeep.ParseAccountID(string(snapshot.Account)); err != nil {
		return errors.New("send: the account has no number; hint: give a file that tells it, such as the credential report")
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	var file bytes.Buffer
	if err := snapshot.Write(&file); err != nil {
		return err
	}
	body := client.Sent{Name: s.names()[snapshot.Account], Snapshot: file.Bytes(), Counts: kept.CountsOf(findings)}
	path := "/sent-scans/" + url.PathEscape(s.scan.ID) + "/accounts/" + string(snapshot.Account)
	if _, err := s.server.Do(ctx, client.Call{Method: "PUT", Path: path, Body: body}, nil); err != nil {
		return fmt.Errorf("send account %s: %w", snapshot.Account, err)
	}
	s.sent++
	return nil
}

func (s *Sending) begin(ctx context.Context) error {
	if s.scan.ID != "" {
		return nil
	}
	_, err := s.server.Do(ctx, client.Call{Method: "POST", Path: "/sent-scans"}, &s.scan)
	if err == nil && s.scan.ID == "" {
		err = errors.New("the server gave the scan no ID")
	}
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// look is how long to wait between two looks at whether the server is done.
const look = time.Second

// Finish tells the server what could not be read and waits until it has judged all, at
// most as long as the context lasts.
func (s *Sending) Finish(ctx context.Context, a *assessment.Assessment) (*client.Scan, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	names := s.names()
	var done client.Complete
	for _, p := range a.Problems {
		if p.Account != "" {
			done.Missed = append(done.Missed, client.Missed{ID: string(p.Account), Name: names[p.Account], Problem: p.Reason})
		}
	}
	for _, l := range a.Left {
		done.Missed = append(done.Missed, client.Missed{ID: string(l.ID), Name: l.Name, Left: true, Problem: l.Reason})
	}
	if _, err := s.server.Do(ctx, client.Call{Method: "POST", Path: "/sent-scans/" + url.PathEscape(s.scan.ID) + "/complete", Body: done}, nil); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	for {
		var scan client.Scan
		if _, err := s.server.Do(ctx, client.Call{Path: "/scans/" + url.PathEscape(s.scan.ID)}, &scan); err != nil {
			return nil, fmt.Errorf("wait for the server's judgement: %w", err)
		}
		if scan.State == kept.Finished || scan.State == kept.Failed {
			return &scan, nil
		}
		select {
		case <-ctx.Done():
			return &scan, fmt.Errorf("the server has scan %s and is still judging it: %w", s.scan.ID, ctx.Err())
		case <-time.After(look):
		}
	}
}
