package client

import "time"

// Grant is a role somewhere: scope is *, ou:ID or account:NUMBER.
type Grant struct {
	Role  string `json:"role" enum:"viewer,requester,approver,custodian,responder,auditor,admin"`
	Scope string `json:"scope" example:"account:111122223333" maxLength:"80"`
}

// Me is who makes a request.
type Me struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Kind   string  `json:"kind"` // person, machine
	Grants []Grant `json:"grants"`
	// Fresh says whether a security key was touched so recently that privileged acts are open.
	Fresh bool `json:"fresh"`
}

// Person is somebody who may sign in.
type Person struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Email   string    `json:"email,omitempty"`
	State   string    `json:"state"` // active, suspended
	Created time.Time `json:"created"`
	Grants  []Grant   `json:"grants"`
	Keys    []Key     `json:"keys"`
}

// Key is a security key of a person.
type Key struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	AAGUID      string     `json:"aaguid"`
	Model       string     `json:"model"`       // name of the AAGUID if the server knows it, else the AAGUID
	Attestation string     `json:"attestation"` // how the key vouched for itself
	Synced      bool       `json:"synced"`      // a passkey that may be on several devices
	Created     time.Time  `json:"created"`
	Used        *time.Time `json:"used,omitempty"`
	Revoked     *time.Time `json:"revoked,omitempty"`
}

// Invitation is what it takes to invite somebody.
type Invitation struct {
	Name    string  `json:"name" minLength:"1" maxLength:"100"`
	Email   string  `json:"email,omitempty" maxLength:"254"`
	Grants  []Grant `json:"grants,omitempty" maxItems:"50"`
	Subject string  `json:"subject,omitempty" maxLength:"255" doc:"Who they are to the provider of OpenID Connect"`
}

// Invited is a person with the link that enrols their first key, told once.
type Invited struct {
	Person Person `json:"person"`
	Link   string `json:"link"`
}

// Link enrols a key, once.
type Link struct {
	Link string `json:"link"`
}

// Token is a machine's token, without its secret.
type Token struct {
	ID      string     `json:"id"`
	Prefix  string     `json:"prefix"`
	Name    string     `json:"name"`
	Grants  []Grant    `json:"grants"`
	Creator string     `json:"creator"`
	Created time.Time  `json:"created"`
	Expires time.Time  `json:"expires"`
	Used    *time.Time `json:"used,omitempty"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

// TokenRequest is what it takes to make a token.
type TokenRequest struct {
	Name   string  `json:"name" minLength:"1" maxLength:"100"`
	Grants []Grant `json:"grants" minItems:"1" maxItems:"50"`
	Days   int     `json:"days" minimum:"1" maximum:"366"`
}

// Issued is a token with its secret, told once.
type Issued struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret"`
}
