package trail

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/s3"
)

const (
	logEvery    = 5 * time.Minute
	digestEvery = time.Hour
	// catchUp bounds how many digests a jump of the clock brings at once; the chain of
	// a longer gap goes on from there.
	catchUp = 3
)

// unsigned says that no digest is delivered in a cloud.
type unsigned struct{ is bool }

// Unsigned has no trail of a cloud deliver digests, whatever its setting, for times that nobody
// will prove: signatures are what takes long.
func Unsigned(c *cloud.Cloud, is bool) {
	c.Do(func() { cloud.Across[unsigned](c).is = is })
}

// delivery is how far a trail's files have come.
type delivery struct {
	nextLog, digestFrom time.Time
	delivered           map[place]int // number of the last event delivered
	pending             map[place][]digesttest.Log
	links               map[place]*digesttest.Link
	attempted           time.Time
	failure             string
	groupFailure        string // of the log group
	logTime, digestTime time.Time
	groupTime           time.Time
}

// place is an account and Region that a trail covers.
type place struct {
	account *cloud.Account
	region  string
}

// signers are the keys that digests are signed with, one per Region, as AWS has them.
type signers struct{ byRegion map[string]*signer }

type signer struct {
	signer   *digesttest.Signer
	from, to time.Time
}

func signerOf(c *cloud.Cloud, region string, now time.Time) (*digesttest.Signer, error) {
	all := cloud.Across[signers](c)
	if all.byRegion == nil {
		all.byRegion = map[string]*signer{}
	}
	if k := all.byRegion[region]; k != nil {
		return k.signer, nil
	}
	s, err := digesttest.NewSigner()
	if err != nil {
		return nil, err
	}
	all.byRegion[region] = &signer{s, now.AddDate(0, 0, -1), now.AddDate(1, 0, 0)}
	return s, nil
}

// begin sets where the delivery of a trail that starts logging begins.
func (t *trail) begin(now time.Time) {
	t.nextLog, t.digestFrom = now.Add(logEvery), now
	t.delivered = map[place]int{}
	t.pending, t.links = map[place][]digesttest.Log{}, map[place]*digesttest.Link{}
	for _, p := range t.places() {
		if events := p.account.Events(p.region); len(events) > 0 {
			t.delivered[p] = events[len(events)-1].Number
		}
	}
}

// places are where the trail logs.
func (t *trail) places() []place {
	accounts := []*cloud.Account{t.owner}
	if t.IsOrganizationTrail {
		accounts = t.owner.Organized()
	}
	var out []place
	for _, a := range accounts {
		if !t.IsMultiRegionTrail {
			out = append(out, place{a, t.HomeRegion})
			continue
		}
		for _, r := range a.Regions() {
			if r.Enabled() {
				out = append(out, place{a, r.Name})
			}
		}
	}
	return out
}

// prefix is the part of the trail's keys before the account.
func (t *trail) prefix(s trailShape) string {
	out := "AWSLogs/"
	if s.S3KeyPrefix != "" {
		out = s.S3KeyPrefix + "/" + out
	}
	if s.IsOrganizationTrail {
		out += t.owner.OrganizationID() + "/"
	}
	return out
}

// due is when the first of all trails has something to deliver: Deliver runs before
// every call, and accounts can be a thousand. Its zero value has it look.
type due struct{ next time.Time }

// Deliver writes what is due of all trails; the cloud calls it as time goes by.
func Deliver(c *cloud.Cloud, now time.Time) {
	d := cloud.Across[due](c)
	if now.Before(d.next) && !now.Before(d.next.Add(-logEvery)) { // unless the clock was set back
		return
	}
	d.next = now.Add(logEvery) // no trail that logs is due later
	for _, a := range c.Accounts() {
		for _, region := range cloud.RegionsOf[trails](a) {
			for _, t := range cloud.Sorted(homed(a, region)) {
				if t.logging && !now.Before(t.nextLog) {
					t.deliverLogs(c, now)
					t.deliverDigests(c, now)
				}
				if t.logging && t.nextLog.Before(d.next) {
					d.next = t.nextLog
				}
			}
		}
	}
}

// Flush has all trails deliver what they have at once, and not when it is due.
func Flush(c *cloud.Cloud) {
	c.Do(func() {
		now := c.Now()
		for _, a := range c.Accounts() {
			for _, region := range cloud.RegionsOf[trails](a) {
				for _, t := range cloud.Sorted(homed(a, region)) {
					t.nextLog = now
				}
			}
		}
		cloud.Across[due](c).next = now
		Deliver(c, now)
	})
}

// Logged says whether a trail that logs takes an event of an account: EventBridge hears of
// no other.
func Logged(c *cloud.Cloud, a *cloud.Account, e *cloud.Event) bool {
	for _, owner := range c.Accounts() {
		for _, region := range cloud.RegionsOf[trails](owner) {
			for _, t := range cloud.Sorted(homed(owner, region)) {
				if t.logging && t.covers(a, e.Region) && t.logs(e) {
					return true
				}
			}
		}
	}
	return false
}

func (t *trail) covers(a *cloud.Account, region string) bool {
	if a != t.owner && (!t.IsOrganizationTrail || !slices.Contains(t.owner.Organized(), a)) {
		return false
	}
	return t.IsMultiRegionTrail || t.HomeRegion == region
}

// deliverLogs writes the events since the last time, one file per account and Region.
func (t *trail) deliverLogs(c *cloud.Cloud, now time.Time) {
	t.nextLog, t.attempted, t.failure, t.groupFailure = now.Add(logEvery), now, "", ""
	for _, p := range t.places() {
		var records []json.RawMessage
		last := t.delivered[p]
		until := now.Add(-p.account.Held(p.region))
		for _, e := range p.account.Events(p.region) {
			if e.Number > t.delivered[p] && e.Time.After(until) {
				break // in the order in which they came: none is left behind
			}
			if e.Number > t.delivered[p] && t.logs(e) {
				records = append(records, e.JSON)
			}
			last = max(last, e.Number)
		}
		if len(records) > 0 && !t.deliverFile(c, p, records, now) {
			continue // the events stay due
		}
		if len(records) > 0 && p.account.EventFault(cloud.Twice, p.region) != nil {
			t.deliverFile(c, p, records, now)
		}
		t.deliverToGroup(c, p, records, now)
		t.delivered[p] = last
	}
}

func (t *trail) deliverFile(c *cloud.Cloud, p place, records []json.RawMessage, now time.Time) bool {
	content, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.failure = err.Error()
		return false
	}
	key := fmt.Sprintf("%s%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_%s.json.gz", t.prefix(t.trailShape), p.account.ID, p.region, now.Format("2006/01/02"),
		p.account.ID, p.region, now.Format("20060102T1504Z"), c.FileID())
	if !t.put(c, key, digesttest.Gzip(content), nil, now) {
		return false
	}
	t.logTime = now
	if t.LogFileValidationEnabled && !cloud.Across[unsigned](c).is {
		t.pending[p] = append(t.pending[p], digesttest.Log{Object: key, Sum: sha256.Sum256(content)})
	}
	return true
}

func (t *trail) put(c *cloud.Cloud, key string, body []byte, metadata map[string]string, now time.Time) bool {
	err := s3.Deliver(c, service, t.S3BucketName, key, body, metadata, map[string][]string{"aws:SourceArn": {t.TrailARN}}, now)
	if err != nil {
		t.failure = code(err)
		return false
	}
	return true
}

// deliverDigests writes the digests of the hours that have ended.
func (t *trail) deliverDigests(c *cloud.Cloud, now time.Time) {
	if !t.LogFileValidationEnabled || cloud.Across[unsigned](c).is {
		t.digestFrom = now
		return
	}
	for n := 0; !now.Before(t.digestFrom.Add(digestEvery)) && n < catchUp; n++ {
		t.deliverHour(c, now)
		t.digestFrom = t.digestFrom.Add(digestEvery)
	}
	if behind := now.Sub(t.digestFrom).Truncate(digestEvery); behind > 0 {
		t.digestFrom = t.digestFrom.Add(behind)
	}
}

// deliverHour writes the digests of an hour, one per account and Region. They are signed at
// the same time: that is what takes long.
func (t *trail) deliverHour(c *cloud.Cloud, now time.Time) {
	places := t.places()
	made := make([]signed, len(places))
	var all sync.WaitGroup
	for i, p := range places {
		s, err := signerOf(c, p.region, now)
		if err != nil {
			made[i].err = err
			continue
		}
		chain := t.chain(p)
		all.Go(func() { made[i] = sign(chain, s) })
	}
	all.Wait()
	for i, d := range made {
		p := places[i]
		switch {
		case d.err != nil:
			t.failure = d.err.Error()
		case t.put(c, d.key, d.body, d.metadata, now):
			t.links[p], t.pending[p], t.digestTime = d.link, nil, now
		}
	}
}

// chain is the digest of an hour of a place.
func (t *trail) chain(p place) digesttest.Chain {
	logs := t.pending[p]
	out := digesttest.Chain{
		Account: string(p.account.ID), Region: p.region, HomeRegion: t.HomeRegion, Trail: t.Name, Bucket: t.S3BucketName, Prefix: t.S3KeyPrefix,
		Start: t.digestFrom.Truncate(time.Second), Hours: 1, After: t.links[p],
		LogsOf: func(time.Time, time.Time) []digesttest.Log { return logs },
	}
	if t.IsOrganizationTrail {
		out.Organization = t.owner.OrganizationID()
	}
	return out
}

// signed is a digest file with its metadata, or why there is none.
type signed struct {
	key      string
	body     []byte
	metadata map[string]string
	link     *digesttest.Link
	err      error
}

func sign(chain digesttest.Chain, s *digesttest.Signer) signed {
	files, link, err := chain.Files(s)
	if err != nil {
		return signed{err: err}
	}
	key := chain.DigestKey(0)
	var side struct{ Metadata map[string]string }
	for name, data := range files {
		if strings.HasSuffix(name, ".metadata.json") {
			err = json.NewDecoder(bytes.NewReader(data)).Decode(&side)
		}
	}
	return signed{key, files[key], side.Metadata, link, err}
}

type statusOut struct {
	IsLogging                                                 bool
	LatestDeliveryError, LatestDigestDeliveryError            string
	LatestDeliveryTime, LatestDigestDeliveryTime              time.Time
	StartLoggingTime, StopLoggingTime                         time.Time
	LatestCloudWatchLogsDeliveryTime                          time.Time
	LatestCloudWatchLogsDeliveryError                         string
	LatestDeliveryAttemptTime, LatestDeliveryAttemptSucceeded string
	TimeLoggingStarted, TimeLoggingStopped                    string
}

// getStatus tells how delivery goes.
func getStatus(c *cloud.Call, in onTrail) (out statusOut, err error) {
	t, err := find(c, in.Name)
	if err != nil {
		return out, err
	}
	out = statusOut{
		IsLogging: t.logging, LatestDeliveryError: t.failure, LatestDeliveryTime: t.logTime, LatestDigestDeliveryTime: t.digestTime,
		StartLoggingTime: t.started, StopLoggingTime: t.stopped, LatestDeliveryAttemptTime: text(t.attempted), TimeLoggingStarted: text(t.started),
		TimeLoggingStopped: text(t.stopped), LatestCloudWatchLogsDeliveryTime: t.groupTime, LatestCloudWatchLogsDeliveryError: t.groupFailure,
	}
	if t.failure == "" {
		out.LatestDeliveryAttemptSucceeded = text(t.attempted)
	}
	return out, nil
}

func text(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05Z")
}
