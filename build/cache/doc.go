// Package cache keeps on the user's disk what is costly to make and can always be made again: packed layers, bases,
// records about them, mirrors of storages.
//
// It may be used by any number of processes at once, and killed at any moment: everything is written beside its place
// and renamed into it, and what was killed is swept away by the next process. A blob is verified before it is used: read
// and hashed if its file was touched since it last was, and once a week in any case.
// Blobs are handed out as hard links, so that a file in an output folder takes no space of its own.
//
//	<cache>/CACHEDIR.TAG        backup programs leave the folder out (bford.info/cachedir)
//	<cache>/lock                shared while in use, exclusive to remove anything
//	<cache>/blobs/<hex>         contents by their SHA-256
//	<cache>/stamps/<hex>        when a blob was last seen to be whole; its own time is when it was last used
//	<cache>/records/<kind>/<key>  facts in JSON, with a checksum
//	<cache>/storages/<key>.git  mirrors
//	<cache>/tmp/<process>/      what is being written; the tag is locked to take turns at making and sweeping these
package cache
