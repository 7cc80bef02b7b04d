package exchange

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// ocsfVersion is the schema the output is written for. 1.3 is what the lakes in
// use today read; nothing newer is needed for a finding.
const ocsfVersion = "1.3.0"

// OCSF writes one Detection Finding a line (Open Cybersecurity Schema Framework
// 1.3.0, class 2004, profile cloud). Times are milliseconds since 1970; the
// finding's own time is when the hunt finished.
func OCSF(w io.Writer, h *report.Hunt) error {
	out := bufio.NewWriter(w)
	for i := range h.Alerts {
		b, err := json.Marshal(newFinding(h, &h.Alerts[i]))
		if err != nil {
			return fmt.Errorf("write alert %s as OCSF: %w", h.Alerts[i].ID, err)
		}
		out.Write(append(text.Inert(b), '\n')) // an error stays until Flush
	}
	return out.Flush()
}

// ocsfHead is how every finding begins.
type ocsfHead struct {
	ActivityID   int    `json:"activity_id"`
	ActivityName string `json:"activity_name"`
	CategoryUID  int    `json:"category_uid"`
	CategoryName string `json:"category_name"`
	ClassUID     int    `json:"class_uid"`
	ClassName    string `json:"class_name"`
	TypeUID      int    `json:"type_uid"`
	TypeName     string `json:"type_name"`
	SeverityID   int    `json:"severity_id"`
	Severity     string `json:"severity"`
	StatusID     int    `json:"status_id"`
	Status       string `json:"status"`
	Time         int64  `json:"time"`
}

type ocsfFinding struct {
	ocsfHead
	StartTime   int64            `json:"start_time"`
	EndTime     int64            `json:"end_time"`
	Count       int              `json:"count"`
	Message     string           `json:"message"`
	Metadata    ocsfMetadata     `json:"metadata"`
	Info        ocsfInfo         `json:"finding_info"`
	Cloud       ocsfCloud        `json:"cloud"`
	Evidences   []ocsfEvidence   `json:"evidences,omitempty"`
	Resources   []ocsfResource   `json:"resources,omitempty"`
	Observables []ocsfObservable `json:"observables,omitempty"`
	Remediation ocsfDescription  `json:"remediation"`
	Unmapped    ocsfUnmapped     `json:"unmapped"`
}

type ocsfDescription struct {
	Desc string `json:"desc"`
}

type ocsfMetadata struct {
	Version  string   `json:"version"`
	Profiles []string `json:"profiles"`
	UID      string   `json:"uid"`
	Product  struct {
		Name       string `json:"name"`
		VendorName string `json:"vendor_name"`
		Version    string `json:"version,omitempty"`
	} `json:"product"`
}

type ocsfInfo struct {
	UID           string          `json:"uid"`
	Title         string          `json:"title"`
	FirstSeen     int64           `json:"first_seen_time"`
	LastSeen      int64           `json:"last_seen_time"`
	Created       int64           `json:"created_time"`
	DataSources   []string        `json:"data_sources"`
	Analytic      *ocsfAnalytic   `json:"analytic,omitempty"`
	Related       []ocsfAnalytic  `json:"related_analytics,omitempty"`
	Attacks       []ocsfAttack    `json:"attacks,omitempty"`
	RelatedEvents []ocsfReference `json:"related_events,omitempty"`
}

type ocsfAnalytic struct {
	UID    string `json:"uid,omitempty"`
	Name   string `json:"name"`
	Desc   string `json:"desc,omitempty"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
}

type ocsfAttack struct {
	Technique    *ocsfReference `json:"technique,omitempty"`
	SubTechnique *ocsfReference `json:"sub_technique,omitempty"`
	Tactic       *ocsfName      `json:"tactic,omitempty"`
	Version      string         `json:"version,omitempty"`
}

type ocsfReference struct {
	UID string `json:"uid"`
}

type ocsfName struct {
	Name string `json:"name"`
}

type ocsfAccount struct {
	UID    string `json:"uid"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
}

type ocsfCloud struct {
	Provider string       `json:"provider"`
	Account  *ocsfAccount `json:"account,omitempty"`
	Region   string       `json:"region,omitempty"`
}

type ocsfEvidence struct {
	Actor struct {
		User ocsfUser `json:"user"`
	} `json:"actor"`
	API    ocsfAPI         `json:"api"`
	Source *ocsfEndpoint   `json:"src_endpoint,omitempty"`
	Data   ocsfWhereabouts `json:"data"`
}

type ocsfUser struct {
	Name       string       `json:"name,omitempty"`
	UID        string       `json:"uid,omitempty"`
	TypeID     int          `json:"type_id"`
	Type       string       `json:"type"`
	Credential string       `json:"credential_uid,omitempty"`
	Account    *ocsfAccount `json:"account,omitempty"`
}

type ocsfAPI struct {
	Operation string        `json:"operation"`
	Service   ocsfName      `json:"service"`
	Request   ocsfReference `json:"request"`
	Response  *ocsfError    `json:"response,omitempty"`
}

type ocsfError struct {
	Error string `json:"error"`
}

// ocsfEndpoint carries an IP address, or the name of the AWS service that made
// the call in its place.
type ocsfEndpoint struct {
	IP      string `json:"ip,omitempty"`
	Service string `json:"svc_name,omitempty"`
}

type ocsfWhereabouts struct {
	Time   int64  `json:"time"`
	Region string `json:"region"`
	Agent  string `json:"user_agent,omitempty"`
	File   string `json:"file"`
	Offset int64  `json:"offset"`
}

type ocsfResource struct {
	UID string `json:"uid"`
}

type ocsfObservable struct {
	Name   string `json:"name"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
	Value  string `json:"value"`
}

type ocsfUnmapped struct {
	Kind     string               `json:"kind"`
	State    string               `json:"state"`
	Accounts []rootkeep.AccountID `json:"accounts,omitempty"`
	Notes    []string             `json:"notes,omitempty"`
}

func newFinding(h *report.Hunt, a *rootkeep.Alert) ocsfFinding {
	f := ocsfFinding{
		ocsfHead:  newHead(2004, "Detection Finding", a.Level, h.Finished),
		StartTime: a.First.UnixMilli(), EndTime: a.Last.UnixMilli(), Count: a.Count,
		Message:  fmt.Sprintf("%s: %s", text.Visible(a.Title, text.Line), text.Visible(a.Actor.Principal, text.Line)),
		Metadata: ocsfMetadata{Version: ocsfVersion, Profiles: []string{"cloud"}, UID: a.ID},
		Info:     newInfo(h, a),
		Cloud:    ocsfCloud{Provider: "AWS", Account: awsAccount(a.Account)},
		// What to do is advice to a person, so it is made safe to read.
		Remediation: ocsfDescription{text.Visible(report.Next(a), 0)},
		Unmapped:    ocsfUnmapped{Kind: a.Kind, State: a.State, Accounts: a.Accounts, Notes: a.Notes},
	}
	f.Metadata.Product.Name, f.Metadata.Product.VendorName, f.Metadata.Product.Version = "rootkeep", "rootkeep", h.Version
	if len(a.Regions) == 1 {
		f.Cloud.Region = string(a.Regions[0])
	}
	for _, e := range a.Events {
		f.Evidences = append(f.Evidences, newEvidence(e))
		if r := (ocsfResource{e.Target}); e.Target != "" && !slices.Contains(f.Resources, r) {
			f.Resources = append(f.Resources, r)
		}
	}
	f.Observables = observables(f.Evidences)
	return f
}

// newHead begins a finding of a class that was found at a time.
func newHead(class int, name string, level rootkeep.Severity, at time.Time) ocsfHead {
	const create = 1
	id, caption := ocsfSeverity(level)
	return ocsfHead{
		ActivityID: create, ActivityName: "Create", CategoryUID: 2, CategoryName: "Findings",
		ClassUID: class, ClassName: name, TypeUID: class*100 + create, TypeName: name + ": Create",
		SeverityID: id, Severity: caption, StatusID: 1, Status: "New", Time: at.UnixMilli(),
	}
}

// ocsfSeverity is severity_id and its caption: 1 Informational to 5 Critical.
func ocsfSeverity(s rootkeep.Severity) (int, string) {
	captions := [...]string{"Informational", "Low", "Medium", "High", "Critical"}
	s = min(s, rootkeep.Critical)
	return int(s) + 1, captions[s]
}

func newInfo(h *report.Hunt, a *rootkeep.Alert) ocsfInfo {
	info := ocsfInfo{
		UID: a.ID, Title: a.Title, FirstSeen: a.First.UnixMilli(), LastSeen: a.Last.UnixMilli(), Created: h.Finished.UnixMilli(),
		DataSources: []string{"AWS CloudTrail"},
	}
	lead := report.Leading(a)
	for i := range a.Rules {
		hit := &a.Rules[i]
		analytic := ocsfAnalytic{UID: hit.ID, Name: ruleName(*hit), Desc: hit.Title, TypeID: 1, Type: "Rule"}
		if hit == lead {
			info.Analytic = &analytic
		} else {
			info.Related = append(info.Related, analytic)
		}
	}
	for _, t := range a.Techniques {
		info.Attacks = append(info.Attacks, newAttack(t, a.Tactic))
	}
	for _, e := range a.Events {
		info.RelatedEvents = append(info.RelatedEvents, ocsfReference{e.ID})
	}
	return info
}

// newAttack names a technique; of a sub-technique T1078.004 the technique is T1078.
func newAttack(t rootkeep.Technique, tactic string) ocsfAttack {
	technique, _, sub := strings.Cut(t.ID, ".")
	attack := ocsfAttack{Technique: &ocsfReference{technique}, Version: t.Version}
	if sub {
		attack.SubTechnique = &ocsfReference{t.ID}
	}
	if tactic != "" {
		attack.Tactic = &ocsfName{tactic}
	}
	return attack
}

func awsAccount(id rootkeep.AccountID) *ocsfAccount {
	if id == "" {
		return nil
	}
	return &ocsfAccount{UID: string(id), TypeID: 10, Type: "AWS Account"}
}

func newEvidence(e rootkeep.Event) ocsfEvidence {
	ev := ocsfEvidence{
		API: ocsfAPI{Operation: e.Name, Service: ocsfName{e.Source}, Request: ocsfReference{e.ID}},
		Data: ocsfWhereabouts{
			Time: e.Time.Truncate(time.Second).UnixMilli(), Region: string(e.Region), Agent: e.Agent, File: e.File, Offset: e.Offset,
		},
	}
	ev.Actor.User = ocsfUser{
		Name: e.Actor.Principal, UID: e.Actor.ARN, Credential: e.Actor.AccessKeyID, Account: awsAccount(e.Actor.Account),
	}
	ev.Actor.User.TypeID, ev.Actor.User.Type = ocsfUserType(e.Actor.Type)
	if e.ErrorCode != "" {
		ev.API.Response = &ocsfError{e.ErrorCode}
	}
	if ip, err := netip.ParseAddr(e.Address); err == nil {
		ev.Source = &ocsfEndpoint{IP: ip.String()}
	} else if e.Address != "" {
		ev.Source = &ocsfEndpoint{Service: e.Address}
	}
	return ev
}

// ocsfUserType is type_id and type of a user; what OCSF has no number for is 99
// with AWS's own word.
func ocsfUserType(identity string) (int, string) {
	switch identity {
	case "Root":
		return 2, "Admin"
	case "IAMUser", "IdentityCenterUser":
		return 1, "User"
	case "AWSService":
		return 3, "System"
	case "":
		return 0, "Unknown"
	default:
		return 99, identity
	}
}

// observables are the addresses and principals to pivot on, each once.
func observables(evidences []ocsfEvidence) []ocsfObservable {
	var out []ocsfObservable
	add := func(o ocsfObservable) {
		if o.Value != "" && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	for _, e := range evidences {
		if e.Source != nil {
			add(ocsfObservable{"evidences[].src_endpoint.ip", 2, "IP Address", e.Source.IP})
		}
		add(ocsfObservable{"evidences[].actor.user.name", 4, "User Name", e.Actor.User.Name})
	}
	return out
}
