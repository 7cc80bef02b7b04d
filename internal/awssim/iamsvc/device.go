package iamsvc

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type deviceShape struct {
	UserName, SerialNumber string
	EnableDate             time.Time
}

type listMFADevicesOut struct {
	MFADevices []deviceShape
	page
}

// listMFADevices lists a user's devices, or root's in a session of root.
func listMFADevices(c *cloud.Call, in selfPaged) (out listMFADevicesOut, err error) {
	s, err := in.subject(c)
	if err != nil {
		return out, err
	}
	var all []deviceShape
	for _, d := range *s.devices {
		all = append(all, deviceShape{s.name(), d.Serial, d.Enabled})
	}
	out.MFADevices, out.page, err = cut(c, in.paged, all)
	return out, err
}

type onDevice struct {
	SerialNumber string `aws:",must"`
	UserName     string
}

// On is the user whose device it is.
func (o *onDevice) On(c *cloud.Call) cloud.Resource {
	self := onSelf{o.UserName}
	return self.On(c)
}

func (o *onDevice) device(c *cloud.Call) (*subject, *cloud.Device, error) {
	self := onSelf{o.UserName}
	s, err := self.subject(c)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range *s.devices {
		if d.Serial == o.SerialNumber {
			return s, d, nil
		}
	}
	return nil, nil, cloud.Fail("NoSuchEntity", 404, "MFA Device with serial number %s does not exist.", o.SerialNumber)
}

type getMFADeviceOut struct {
	UserName, SerialNumber string
	EnableDate             time.Time
	Certifications         map[string]string
}

func getMFADevice(c *cloud.Call, in onDevice) (out getMFADeviceOut, err error) {
	s, d, err := in.device(c)
	if err != nil {
		return out, err
	}
	return getMFADeviceOut{s.name(), d.Serial, d.Enabled, d.Certifications}, nil
}

type virtualShape struct {
	SerialNumber     string
	Base32StringSeed []byte `aws:",secret"`
	User             *userShape
	EnableDate       time.Time
	Tags             []cloud.Tag `aws:",omit"`
}

type listVirtualIn struct {
	AssignmentStatus string
	paged
}

type listVirtualOut struct {
	VirtualMFADevices []virtualShape
	page
}

func listVirtualDevices(c *cloud.Call, in listVirtualIn) (out listVirtualOut, err error) {
	var all []virtualShape
	for _, d := range cloud.Sorted(c.Account.Devices) {
		assigned := d.Owner != ""
		switch in.AssignmentStatus {
		case "", "Any":
		case "Assigned", "Unassigned":
			if assigned != (in.AssignmentStatus == "Assigned") {
				continue
			}
		default:
			return out, c.Invalid("AssignmentStatus must be Assigned, Unassigned or Any")
		}
		all = append(all, virtualShape{SerialNumber: d.Serial, User: ownerOf(c.Account, d), EnableDate: d.Enabled})
	}
	out.VirtualMFADevices, out.page, err = cut(c, in.paged, all)
	return out, err
}

func ownerOf(a *cloud.Account, d *cloud.Device) *userShape {
	if d.Owner == a.IAM("root") {
		s := rootShape(a)
		return &s
	}
	for _, u := range cloud.Sorted(a.Users) {
		if u.ARN == d.Owner {
			s := showUser(u)
			return &s
		}
	}
	return nil
}

type createVirtualIn struct {
	Path                 string
	VirtualMFADeviceName string `aws:",must"`
	Tags                 []cloud.Tag
}

// On is the device's ARN.
func (in *createVirtualIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.Account.IAM("mfa" + orSlash(in.Path) + in.VirtualMFADeviceName)}
}

type virtualOut struct{ VirtualMFADevice virtualShape }

// createVirtualDevice makes a device. It gives the seed and no QR code, which says the
// same.
func createVirtualDevice(c *cloud.Call, in createVirtualIn) (out virtualOut, err error) {
	if err := checkPath(c, &in.Path); err != nil {
		return out, err
	}
	d := &cloud.Device{Serial: c.Account.IAM("mfa" + in.Path + in.VirtualMFADeviceName), Seed: newSeed(c), Tags: in.Tags}
	if c.Account.Devices[d.Serial] != nil {
		return out, cloud.Fail("EntityAlreadyExists", 409, "MFADevice entity at the same path and name already exists.")
	}
	c.Account.Devices[d.Serial] = d
	out.VirtualMFADevice = virtualShape{SerialNumber: d.Serial, Base32StringSeed: []byte(d.Seed), Tags: d.Tags}
	return out, nil
}

type enableDeviceIn struct {
	onUser
	SerialNumber        string `aws:",must"`
	AuthenticationCode1 string `aws:",must,secret"`
	AuthenticationCode2 string `aws:",must,secret"`
}

// maxDevices is the quota of MFA devices of a user or root.
const maxDevices = 8

func enableDevice(c *cloud.Call, in enableDeviceIn) (cloud.None, error) {
	u, err := in.user(c)
	if err != nil {
		return cloud.None{}, err
	}
	d := c.Account.Devices[in.SerialNumber]
	switch {
	case d == nil:
		return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "VirtualMFADevice with serial number %s does not exist.", in.SerialNumber)
	case d.Owner != "":
		return cloud.None{}, cloud.Fail("EntityAlreadyExists", 409, "MFA device is already in use.")
	case len(u.MFA) >= maxDevices:
		return cloud.None{}, cloud.Fail("LimitExceeded", 409, "Cannot exceed quota for MfaDevicesPerUser: %d", maxDevices)
	case !consecutive(d.Seed, in.AuthenticationCode1, in.AuthenticationCode2, c.Cloud.ClientTime()):
		return cloud.None{}, cloud.Fail("InvalidAuthenticationCode", 403, "Authentication code for device is not valid.")
	}
	d.Owner, d.Enabled = u.ARN, c.Now
	u.MFA = append(u.MFA, d)
	return cloud.None{}, nil
}

func deactivateDevice(c *cloud.Call, in onDevice) (cloud.None, error) {
	s, d, err := in.device(c)
	if err == nil {
		*s.devices = remove(*s.devices, d)
		d.Owner, d.Enabled = "", time.Time{}
	}
	return cloud.None{}, err
}

type onVirtual struct {
	SerialNumber string `aws:",must"`
}

// On is the device's ARN.
func (o *onVirtual) On(*cloud.Call) cloud.Resource { return cloud.Resource{ARN: o.SerialNumber} }

func deleteVirtualDevice(c *cloud.Call, in onVirtual) (cloud.None, error) {
	d := c.Account.Devices[in.SerialNumber]
	switch {
	case d == nil:
		return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "VirtualMFADevice with serial number %s does not exist.", in.SerialNumber)
	case d.Owner != "":
		return cloud.None{}, conflict("MFA VirtualDevice in use. Must deactivate first.")
	}
	delete(c.Account.Devices, in.SerialNumber)
	return cloud.None{}, nil
}

// step is how long a code of a virtual device is shown (RFC 6238).
const step = 30

// Code is the code that a virtual device with a base32 seed shows at a time: RFC 6238
// with SHA-1, six digits, 30 seconds. It is "" if the seed is not base32.
func Code(seed string, at time.Time) string {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil {
		return ""
	}
	h := hmac.New(sha1.New, key)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/step)))
	sum := h.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// consecutive says whether two codes follow one another near a time.
func consecutive(seed, first, second string, now time.Time) bool {
	for n := -4; n <= 3; n++ {
		at := now.Add(time.Duration(n) * step * time.Second)
		if first != "" && Code(seed, at) == first && Code(seed, at.Add(step*time.Second)) == second {
			return true
		}
	}
	return false
}

// ValidCode says whether a code is one that the device shows near a time.
func ValidCode(d *cloud.Device, code string, now time.Time) bool {
	for n := -1; n <= 1; n++ {
		if code != "" && Code(d.Seed, now.Add(time.Duration(n)*step*time.Second)) == code {
			return true
		}
	}
	return false
}
