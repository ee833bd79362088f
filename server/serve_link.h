/* Links of the session, which hold memory that their handles do not tell of. */
#ifndef SRV_SERVE_LINK_H
#define SRV_SERVE_LINK_H

struct srv_session;

/* Ends all links, before srv_handles_free(). No thread executes calls any more. */
void srv_links_free(struct srv_session *session);

#endif
