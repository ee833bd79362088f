/* Events. */
#include "api.h"

RT_CALL(cudaEventCreate, (cudaEvent_t * event), cuEventCreate(event, CU_EVENT_DEFAULT))
RT_CALL(cudaEventCreateWithFlags, (cudaEvent_t * event, unsigned int flags), cuEventCreate(event, flags))
RT_CALL_STREAM(cudaEventRecord, (cudaEvent_t event, cudaStream_t stream), cuEventRecord(event, stream))
RT_CALL_STREAM(cudaEventRecordWithFlags, (cudaEvent_t event, cudaStream_t stream, unsigned int flags),
	       cuEventRecordWithFlags(event, stream, flags))
RT_CALL(cudaEventQuery, (cudaEvent_t event), cuEventQuery(event))
RT_CALL(cudaEventSynchronize, (cudaEvent_t event), cuEventSynchronize(event))
RT_CALL(cudaEventDestroy, (cudaEvent_t event), cuEventDestroy(event))
RT_CALL(cudaEventElapsedTime, (float *ms, cudaEvent_t start, cudaEvent_t end), cuEventElapsedTime(ms, start, end))
