/** What EC2 takes as tags. Source: EC2 User Guide, "Tag restrictions". */

/** How many an instance has at most. */
export const tagsMax = 50;

/** Of the API Reference, the stricter of the two that are published: the guide says 128. */
export const tagKeyLengthMax = 127;

/** In characters, as is that of the key. */
export const tagValueLengthMax = 256;

/** Keys that begin so are EC2's own, in whatever case. */
export const reservedTagKey: RegExp = /^aws:/i;
